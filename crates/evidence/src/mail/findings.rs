//! What was judged, as findings: a table of small makers, one a rule or a pair of rules.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tamis_model::findings::{Finding, Polarity, Proof, Strength, Unusual};
use tamis_model::tables::PartSignature;

use super::arc::{Chain, ChainResult};
use super::incidents::before_key;
use super::policy::forbidden;
use super::states::{Folded, Lack, is_recovered, key_event, lacks};
use super::time::rfc3339;
use super::touched::is_of_list;
use super::verdict::SignatureResult;
use super::verify::{Judged, Mismatch};
use super::words::{listed, shown};
use super::{Context, MessageFacts};
use crate::domains::{Alignment, PSL_VERSION, organisational_domain};
use crate::rules::{Route, Rule, wilson};

/// All findings about one message, in the order of the signatures and then of the makers below.
pub(crate) fn findings(
    judged: &[Judged<'_>],
    chain: &Chain,
    folded: &Folded,
    facts: &MessageFacts,
    context: &Context,
) -> Vec<Finding> {
    /// Signatures that findings are made of; intake judges 64.
    const MOST: usize = 256;
    let make = Make { facts, context, route: route(judged, facts) };
    let plain = || judged.iter().filter(|judged| judged.is_plain());
    let mut findings: Vec<Finding> =
        plain().take(MOST).flat_map(|judged| make.of_signature(judged)).collect();
    findings.extend(make.no_key(judged));
    findings.extend(make.of_chain(judged, chain));
    findings.extend(facts.part_signatures.iter().filter_map(|part| make.of_part(part)));
    findings.extend(make.display_name());
    findings.extend(make.time_bounds(judged, folded));
    findings
}

struct Make<'a> {
    facts: &'a MessageFacts,
    context: &'a Context,
    route: Route,
}

/// What a finding of a rule says beyond the rule.
struct Said {
    rule: &'static str,
    strength: Strength,
    scope: String,
    observed: Value,
}

impl Make<'_> {
    /// The finding; `None` if the table has no such rule or not that much strength for it.
    fn finding(&self, said: Said) -> Option<Finding> {
        let rule = Rule::named(said.rule)?;
        if said.strength.level() > rule.most {
            return None;
        }
        // Keys in order, whichever map serde_json was built with.
        let mut observed = said.observed;
        observed.sort_all_objects();
        let words = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Some(Finding {
            rule: rule.id.to_owned(),
            version: rule.version,
            subjects: vec![self.facts.blob],
            polarity: if said.strength == Strength::Context { Polarity::Context } else { rule.polarity },
            about: rule.about,
            strength: said.strength,
            scope: said.scope,
            observed,
            standard: rule.standard.to_owned(),
            assumptions: words(rule.assumptions),
            alternatives: words(&rule.alternatives()),
            base_rate: rule.rate(self.route),
            reproduce: rule.reproduce.to_owned(),
        })
    }

    fn is_source(&self) -> bool {
        self.facts.message.form == "source"
    }

    fn of_signature(&self, judged: &Judged<'_>) -> Vec<Finding> {
        let verdict = &judged.verdict;
        let holds = judged.verifies();
        let part = judged.header_alone_holds();
        let as_is = verdict.repair.is_none();
        let made = [
            (holds && as_is).then(|| self.verified(judged)),
            (part && as_is).then(|| self.header_holds(judged)),
            (!as_is && is_recovered(judged)).then(|| self.recovered(judged)),
            (!as_is).then(|| self.repaired(judged)),
            self.differs(judged),
            (verdict.result == SignatureResult::KeyDoesNotFit).then(|| self.misfit(judged)),
            if holds { self.partial(judged) } else { None },
            (holds && !verdict.alignment.is_aligned()).then(|| self.third_party(judged)),
            if holds { self.event(judged) } else { None },
            (holds && is_weak(judged)).then(|| self.weak(judged)),
            if holds { self.new_selector(judged) } else { None },
        ];
        made.into_iter().flatten().filter_map(|said| self.finding(said)).collect()
    }

    /// Proof only under a key that a witness saw, and to which nothing happened in time; a key computed from
    /// the case proves nothing and has its own rule.
    fn verified(&self, judged: &Judged<'_>) -> Said {
        let rule = match judged.signature.kind.as_str() {
            _ if is_recovered(judged) => return self.recovered(judged),
            "domainkeys" => "mail.domainkeys.verified",
            _ => "mail.dkim.verified",
        };
        Said { rule, strength: self.strength(judged), scope: scope(judged), observed: signer(judged) }
    }

    fn recovered(&self, judged: &Judged<'_>) -> Said {
        Said {
            rule: "mail.key.recovered",
            strength: Strength::Context,
            scope: scope(judged),
            observed: signer(judged),
        }
    }

    /// Of what holds only once something is undone never more than a pointer: that it was undone rightly is a
    /// guess, though a good one.
    fn strength(&self, judged: &Judged<'_>) -> Strength {
        if is_recovered(judged) {
            return Strength::Context;
        }
        let is_open = !judged.is_witnessed()
            || key_event(judged, self.facts, self.context).is_some()
            || forbidden(&judged.verdict.notes)
            || judged.verdict.repair.is_some();
        if is_open {
            return Strength::Pointer;
        }
        let witness = judged.known.and_then(|known| known.best()).map(|best| match &best.witness {
            Some(witness) => format!("{} ({})", shown(witness), best.channel.as_str()),
            None => best.channel.as_str().to_owned(),
        });
        let (domain, selector) = (shown(&judged.signature.domain), shown(&judged.signature.selector));
        Strength::Proof(Proof::signature(&domain, &selector, &witness.unwrap_or_default()))
    }

    /// The hash of the body stands in the signed header: any other copy with that body is proven as well.
    fn header_holds(&self, judged: &Judged<'_>) -> Said {
        let rule = if is_recovered(judged) { "mail.key.recovered" } else { "mail.dkim.header_holds" };
        Said {
            rule,
            strength: self.strength(judged),
            scope: scope(judged),
            observed: with_body(signer(judged), judged),
        }
    }

    /// A mismatch alone is a pointer, and none where the source form is not kept; see [`unusual`].
    fn differs(&self, judged: &Judged<'_>) -> Option<Said> {
        let (rule, what) = match judged.mismatch {
            Mismatch::None => return None,
            Mismatch::Header => ("mail.dkim.header_differs", "header"),
            Mismatch::Body => ("mail.dkim.body_differs", "body"),
            Mismatch::Both => ("mail.dkim.body_differs", "header and body"),
            Mismatch::Either => ("mail.dkim.body_differs", "header or body (one digest)"),
        };
        let strength = if self.is_source() { Strength::Pointer } else { Strength::Context };
        let mut observed = signer(judged);
        insert(&mut observed, "differs", json!(what));
        insert(&mut observed, "form", json!(self.facts.message.form));
        insert(&mut observed, "route", json!(if self.route == Route::List { "list" } else { "untouched" }));
        Some(Said { rule, strength, scope: what.to_owned(), observed })
    }

    fn misfit(&self, judged: &Judged<'_>) -> Said {
        let signature = judged.signature;
        let keys = self.context.keys.keys(&signature.domain, &signature.selector);
        let witnessed = keys.iter().any(|key| key.is_witnessed());
        let mut observed = signer(judged);
        insert(&mut observed, "keys_tried", json!(keys.len()));
        Said {
            rule: "mail.dkim.key_does_not_fit",
            strength: if witnessed && self.is_source() { Strength::Pointer } else { Strength::Context },
            scope: "signature".to_owned(),
            observed,
        }
    }

    /// All that is said of what holds once something is undone: what was undone is shown and not covered.
    fn repaired(&self, judged: &Judged<'_>) -> Said {
        let mut observed = signer(judged);
        insert(&mut observed, "undone", json!(judged.verdict.undone));
        if judged.header_alone_holds() {
            observed = with_body(observed, judged);
        }
        Said { rule: "mail.dkim.repaired", strength: self.strength(judged), scope: scope(judged), observed }
    }

    fn partial(&self, judged: &Judged<'_>) -> Option<Said> {
        let open: Vec<Lack> = lacks(judged, self.facts, self.context)
            .into_iter()
            .filter(|lack| {
                matches!(
                    lack,
                    Lack::Unsigned(_)
                        | Lack::Doubled(_)
                        | Lack::BodyOpen(_)
                        | Lack::BodyEndOpen(_)
                        | Lack::SpacesOpen
                        | Lack::Readings
                )
            })
            .collect();
        let scope: Vec<&str> = open.iter().map(Lack::reason).collect();
        if scope.is_empty() {
            return None;
        }
        let signature = judged.signature;
        let observed = json!({
            "domain": signature.domain,
            "doubled_visible_headers": signature.doubled_visible,
            "one_reading": signature.one_reading,
            "ordinal": signature.ordinal,
            "uncovered_body_bytes": judged.verdict.uncovered,
            "unsigned_visible_headers": signature.unsigned_visible,
        });
        Some(Said {
            rule: "mail.dkim.partial",
            strength: Strength::Context,
            scope: scope.join(", "),
            observed,
        })
    }

    fn third_party(&self, judged: &Judged<'_>) -> Said {
        let (provider, list) = match judged.verdict.alignment {
            Alignment::ThirdParty { provider, list } => (provider, list),
            _ => (None, false),
        };
        let observed = json!({
            "alignment": judged.verdict.alignment.as_str(),
            "author_domains": judged.signature.author_domains,
            "domain": judged.signature.domain,
            "list": list,
            "ordinal": judged.signature.ordinal,
            "provider": provider,
            "public_suffix_list": PSL_VERSION,
        });
        Said {
            rule: "mail.dkim.third_party",
            strength: Strength::Context,
            scope: "from".to_owned(),
            observed,
        }
    }

    fn event(&self, judged: &Judged<'_>) -> Option<Said> {
        let what = key_event(judged, self.facts, self.context)?;
        let mut observed = signer(judged);
        insert(&mut observed, "event", json!(what));
        Some(Said { rule: "mail.key.event", strength: Strength::Context, scope: "key".to_owned(), observed })
    }

    fn weak(&self, judged: &Judged<'_>) -> Said {
        Said {
            rule: "mail.key.weak",
            strength: Strength::Context,
            scope: judged.verdict.algorithm.clone(),
            observed: signer(judged),
        }
    }

    fn new_selector(&self, judged: &Judged<'_>) -> Option<Said> {
        let (incident, first_seen) = before_key(judged, self.facts, self.context)?;
        let mut observed = signer(judged);
        insert(&mut observed, "key_first_seen", json!(rfc3339(first_seen)));
        insert(&mut observed, "incident", json!(incident.what.as_str()));
        insert(&mut observed, "incident_from", json!(rfc3339(incident.from)));
        Some(Said {
            rule: "mail.key.new_selector",
            strength: Strength::Context,
            scope: "key".to_owned(),
            observed,
        })
    }

    /// One finding a message: the pairs whose key is wanted.
    fn no_key(&self, judged: &[Judged<'_>]) -> Option<Finding> {
        const MOST: usize = 16;
        let mut wanted: Vec<(&str, &str)> = judged
            .iter()
            .filter(|judged| {
                matches!(judged.verdict.result, SignatureResult::NoKey | SignatureResult::RevokedKey)
            })
            .map(|judged| (judged.signature.domain.as_str(), judged.signature.selector.as_str()))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let more = wanted.len().saturating_sub(MOST);
        wanted.truncate(MOST);
        let pairs: Vec<Value> = wanted
            .iter()
            .map(|(domain, selector)| json!({ "domain": domain, "selector": selector }))
            .collect();
        if pairs.is_empty() {
            return None;
        }
        self.finding(Said {
            rule: "mail.dkim.no_key",
            strength: Strength::Context,
            scope: "signature".to_owned(),
            observed: json!({ "keys_wanted": pairs, "more": more }),
        })
    }

    fn of_chain(&self, judged: &[Judged<'_>], chain: &Chain) -> Vec<Finding> {
        let sealed = chain.trusted.iter().filter_map(|ordinal| {
            let judged = judged.iter().find(|judged| judged.verdict.ordinal == *ordinal)?;
            let mut observed = signer(judged);
            insert(&mut observed, "instance", json!(judged.signature.instance));
            insert(&mut observed, "reason_to_trust", json!(self.reason_to_trust(&judged.signature.domain)));
            let said = Said {
                rule: "mail.arc.sealed",
                strength: self.strength(judged),
                scope: scope(judged),
                observed,
            };
            self.finding(said)
        });
        let broken = (chain.result == ChainResult::Fail).then(|| Said {
            rule: "mail.arc.chain_broken",
            strength: Strength::Context,
            scope: "arc".to_owned(),
            observed: json!({ "hops": chain.hops, "why": chain.why }),
        });
        sealed.chain(broken.and_then(|said| self.finding(said))).collect()
    }

    fn reason_to_trust(&self, domain: &str) -> Option<&str> {
        let sealer = self.context.sealers.iter().find(|sealer| sealer.domain.eq_ignore_ascii_case(domain))?;
        Some(&sealer.reason)
    }

    /// Certificate or key come from the message itself: a pointer at most, whoever is named as its issuer.
    fn of_part(&self, part: &PartSignature) -> Option<Finding> {
        let rule = match (part.kind.as_str(), part.result.as_str()) {
            ("smime", "verified") => "mail.smime.verified",
            ("smime", "does-not-verify") => "mail.smime.differs",
            ("pgp", "verified") => "mail.pgp.verified",
            ("pgp", "does-not-verify") => "mail.pgp.differs",
            _ => return None,
        };
        let from = self.facts.message.from_addr.as_deref().map(str::to_lowercase);
        let names_sender =
            from.is_some_and(|from| part.addresses.iter().any(|address| address.to_lowercase() == from));
        let kept = self.is_source() || part.result == "verified";
        self.finding(Said {
            rule,
            strength: if kept { Strength::Pointer } else { Strength::Context },
            scope: if part.part.is_empty() {
                "body".to_owned()
            } else {
                format!("part {}", shown(&part.part))
            },
            observed: json!({
                "addresses": part.addresses,
                "algorithm": part.algorithm,
                "issuer": part.issuer,
                "key_from": part.key_from,
                "key_id": part.key_id,
                "names_sender": names_sender,
                "note": part.note,
                "ordinal": part.ordinal,
                "self_issued": part.self_issued,
                "signed_at": part.signed_at.and_then(rfc3339),
                "signer": part.signer,
                "valid_from": part.valid_from.and_then(rfc3339),
                "valid_to": part.valid_to.and_then(rfc3339),
            }),
        })
    }

    /// Mail programs show the name and hide the address: a name that is an address of somebody else's domain
    /// is told, whatever the signature says of the address behind it.
    fn display_name(&self) -> Option<Finding> {
        let message = &self.facts.message;
        let name = message.from_name.as_deref()?;
        let domain = message.from_domain.as_deref()?;
        let (_, behind) = name.rsplit_once('@')?;
        let named: String =
            behind.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
        let named = organisational_domain(&named)?;
        if organisational_domain(domain).as_ref() == Some(&named) {
            return None;
        }
        self.finding(Said {
            rule: "mail.origin.display_name",
            strength: Strength::Context,
            scope: "from".to_owned(),
            observed: json!({ "from_domain": domain, "name_shows_domain": named }),
        })
    }

    fn time_bounds(&self, judged: &[Judged<'_>], folded: &Folded) -> Option<Finding> {
        let deciding = judged.iter().find(|judged| Some(judged.verdict.ordinal) == folded.deciding)?;
        let bound = |bound: &Option<_>| {
            bound
                .as_ref()
                .map(|(at, witness): &(_, String)| json!({ "at": rfc3339(*at), "witness": witness }))
        };
        if folded.bounds.not_before.is_none() && !judged.iter().any(Judged::verifies) {
            return None;
        }
        let key = deciding.verdict.key.as_ref();
        self.finding(Said {
            rule: "mail.time.bounds",
            strength: Strength::Context,
            scope: "message".to_owned(),
            observed: json!({
                "date_field": self.facts.message.date.and_then(rfc3339),
                "key_first_seen": key.and_then(|key| key.first_seen).and_then(rfc3339),
                "key_last_seen": key.and_then(|key| key.last_seen).and_then(rfc3339),
                "not_after": bound(&folded.bounds.not_after),
                "not_before": bound(&folded.bounds.not_before),
            }),
        })
    }
}

/// What of this copy a signature shows to be as it was signed, for people: without what a repair changed, and
/// without a body that is not kept.
fn scope(judged: &Judged<'_>) -> String {
    let signature = judged.signature;
    let names: Vec<&String> =
        signature.signed_headers.iter().filter(|name| !judged.touched.field(name)).collect();
    let headers = match (names.as_slice(), signature.signed_headers.is_empty()) {
        ([], false) => "nothing of the header as it stands".to_owned(),
        ([], true) => "header".to_owned(),
        _ => listed(names),
    };
    match signature.body_length {
        _ if judged.touched.body || !judged.verifies() => headers,
        Some(octets) => format!("{headers}; first {octets} bytes of the body"),
        None => format!("{headers}; body"),
    }
}

/// With the hash by which another copy's body is told to be the signed one.
fn with_body(mut observed: Value, judged: &Judged<'_>) -> Value {
    let hash = judged.signature.body_hash.as_ref().map(|hash| STANDARD.encode(hash));
    insert(&mut observed, "body_holds", json!(judged.verdict.body_holds));
    insert(&mut observed, "body_hash", json!(hash));
    insert(&mut observed, "body_hash_of", json!(judged.signature.canon.rsplit('/').next()));
    observed
}

/// Whether a list handled the message, by all that the facts tell of it: its fields, a signer that is one, and
/// repairs that the reader offers of list mail alone.
fn route(judged: &[Judged<'_>], facts: &MessageFacts) -> Route {
    let message = &facts.message;
    let is_list =
        |judged: &Judged<'_>| matches!(judged.verdict.alignment, Alignment::ThirdParty { list: true, .. });
    let repairs = facts.digests.iter().filter_map(|digest| digest.repair.as_deref());
    let told = message.list_id.is_some() || message.marks.iter().any(|mark| mark == "list");
    match told || judged.iter().any(is_list) || repairs.into_iter().any(is_of_list) {
        true => Route::List,
        false => Route::Untouched,
    }
}

/// Why a mismatch is more than a pointer: the source form is kept, the padding of RSA shows that the key made
/// this very signature, no list handled the message, and the other comparable mails of the case (20 at least,
/// this one among them) do not fail more often than honest mail does: the lower end of the interval of their
/// share lies at or below the upper end of the rule's base rate. Where it lies above, something on the route
/// changes mail.
pub(crate) fn unusual(finding: &Finding, failed: u64, of: u64) -> Option<Unusual> {
    /// Fewer tell nothing of a route.
    const ENOUGH: u64 = 20;
    let says = |key: &str, what: &str| {
        finding.observed.get(key).and_then(Value::as_str).is_some_and(|value| value.starts_with(what))
    };
    if of < ENOUGH || !says("form", "source") || !says("algorithm", "rsa-") || !says("route", "untouched") {
        return None;
    }
    let honest = Rule::named(&finding.rule)?.rate(Route::Untouched)?;
    let (_, most) = wilson(honest.hits, honest.of)?;
    let (least, _) = wilson(failed.checked_sub(1)?, of.checked_sub(1)?)?;
    (least <= most).then(Unusual::key_fits_but_differs)
}

/// What every finding about a signature shows.
fn signer(judged: &Judged<'_>) -> Value {
    let verdict = &judged.verdict;
    json!({
        "algorithm": verdict.algorithm,
        "alignment": verdict.alignment.as_str(),
        "channel": verdict.key.as_ref().map(|key| key.channel),
        "dialect": verdict.dialect,
        "domain": verdict.domain,
        "key_bits": verdict.key_bits,
        "kind": verdict.kind,
        "notes": verdict.notes,
        "ordinal": verdict.ordinal,
        "repair": verdict.repair,
        "selector": verdict.selector,
        "signed_at": judged.signature.signed_at.and_then(rfc3339),
        "witness": verdict.key.as_ref().and_then(|key| key.witness.as_deref()),
    })
}

fn is_weak(judged: &Judged<'_>) -> bool {
    let weak = ["sha1", "short-key", "testing"];
    judged.verdict.notes.iter().any(|note| weak.contains(&note.as_str()))
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(key.to_owned(), value);
    }
}
