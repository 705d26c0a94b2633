//! `tamis keys fetch`: asks DNS for the keys that are wanted. The only command that uses the network; it says
//! whom it asks, and for what, before it asks.

use std::{fs::File, io::Read, io::Write, net::IpAddr, net::SocketAddr, sync::Arc, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{RData, RecordType},
};
use serde_json::{Value, json};
use tamis_evidence::keys::record::{KeyRecord, RecordProblem};
use tamis_model::{
    keys::{Channel, KeyObservation, ObservedKey},
    names::printable,
    tables::Time,
};
use tamis_pipeline::keys::Wanted;
use tokio::{runtime, task::JoinSet, time::timeout};

use super::{Change, Outcome, Teller, list, wanted};
use crate::{
    cli::{Global, KeysFetch},
    commands::{DONE, NO, open_case},
    failure::Failure,
    progress::{stop_on_interrupt, stopped},
    screen::{Screen, count},
};

/// Names that are asked for at a time.
const AT_A_TIME: usize = 8;
/// One question of one server.
const ONE_TRY: Duration = Duration::from_secs(5);
/// One name, with everything that it leads to.
const ONE_NAME: Duration = Duration::from_secs(20);
/// Name servers of the system that are used; its own library uses no more.
const MOST_SERVERS: usize = 3;
/// Records of one name that are looked at.
const MOST_RECORDS: usize = 16;

/// Runs it.
pub fn run(args: &KeysFetch, global: &Global, screen: &Screen) -> Outcome {
    stop_on_interrupt();
    let mut teller = Teller::new(&args.case, "tamis keys fetch", global)?;
    let all = wanted::of(&*open_case(&args.case)?)?;
    let chosen = wanted::chosen(&all, args.domain.as_deref(), args.selector.as_deref());
    let (names, unaskable): (Vec<_>, Vec<_>) = chosen.map(Name::of).partition(Result::is_ok);
    for name in unaskable.into_iter().filter_map(Result::err) {
        eprintln!("not asked: {} is no name that DNS can hold", printable(&name));
    }
    let names: Vec<Name> = names.into_iter().flatten().take(args.limit).collect();
    if names.is_empty() {
        return report(args, &[], 0, global, screen);
    }

    let (servers, whom) = match args.server {
        Some(server) => (vec![server], server.to_string()),
        None => (system_servers()?, "the system's resolver".to_owned()),
    };
    eprintln!(
        "network   asking {whom} for {} names, each of which it then knows:",
        count(names.len() as u64)
    );
    for name in &names {
        eprintln!("          {}", name.full);
    }
    let asked = ask(&names, &servers)?;
    // When somebody looked is a fact, whatever counts as now for judgements.
    let now = Time(jiff::Timestamp::now().as_second() * 1_000_000);
    let seen: Vec<KeyObservation> = asked
        .iter()
        .flat_map(|asked| asked.observations(now, &format!("asked by this desk at {whom}")))
        .collect();
    let added = teller.add(&seen)?;
    if asked.len() < names.len() {
        let hint = "run the same command again: keys that were seen are not asked for again";
        return Err(Failure::of("stopped".to_owned(), "it was asked to".to_owned(), hint, true));
    }
    if asked.iter().all(|asked| matches!(asked.answer, Answer::Failed(_))) {
        let because = asked.iter().find_map(|asked| match &asked.answer {
            Answer::Failed(because) => Some(because.clone()),
            _ => None,
        });
        return Err(Failure::unusable(
            format!("{whom} answers nothing"),
            because.unwrap_or_default(),
            "--server ADDRESS asks another one",
        ));
    }
    report(args, &asked, added, global, screen)
}

fn report(args: &KeysFetch, asked: &[Asked], added: usize, global: &Global, screen: &Screen) -> Outcome {
    let change = Change::of(&args.case, global, screen)?;
    if screen.json {
        let asked: Vec<Value> = asked.iter().map(Asked::value).collect();
        screen.print_json(&json!({ "asked": asked, "added": added, "messages": change.json() }))?;
    } else {
        let mut out = screen.out();
        for asked in asked {
            let name = screen.strong(&format!(
                "{}  {}",
                printable(&asked.name.domain),
                printable(&asked.name.selector)
            ));
            writeln!(out, "{name}  {}", printable(&asked.words()))?;
        }
        if asked.is_empty() {
            writeln!(out, "no key is wanted that could be asked for")?;
        }
        change.print(&mut out)?;
        out.flush()?;
    }
    let found = asked.is_empty() || asked.iter().any(|asked| !asked.keys().is_empty());
    Ok(if found { DONE } else { NO })
}

// ---- names ----

/// A name that can be asked for.
#[derive(Debug, Clone)]
struct Name {
    domain: String,
    selector: String,
    /// `selector._domainkey.domain.`
    full: String,
}

impl Name {
    /// The name of a pair; as text, where DNS cannot hold it (RFC 1035 section 2.3.4) or it is of no host
    /// (RFC 1123 section 2.1, and the `_` of services).
    fn of(wanted: &Wanted) -> Result<Name, String> {
        let Wanted { domain, selector, .. } = wanted;
        let full = format!("{selector}._domainkey.{domain}");
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        match full.len() <= 253 && full.split('.').all(is_label) {
            true => Ok(Name { domain: domain.clone(), selector: selector.clone(), full: full + "." }),
            false => Err(full),
        }
    }
}

// ---- asking ----

/// What DNS said of a name.
#[derive(Debug)]
struct Asked {
    name: Name,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    /// The texts of its TXT records, and the names it was led through.
    Records { texts: Vec<String>, by_way_of: Vec<String> },
    /// There is no such name, or no TXT record of it.
    None(&'static str),
    /// Nobody answered, or with an error.
    Failed(String),
}

/// Asks for all names in their order, some at a time; fewer where it was asked to stop.
fn ask(names: &[Name], servers: &[SocketAddr]) -> Result<Vec<Asked>, Failure> {
    let cannot = |because: String| {
        Failure::unusable("cannot ask DNS", because, "--server ADDRESS asks another server")
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut asked = Vec::new();
    runtime.block_on(async {
        let resolver = Arc::new(resolver(servers).map_err(|error| cannot(error.to_string()))?);
        for some in names.chunks(AT_A_TIME) {
            if stopped() {
                break;
            }
            let mut running = JoinSet::new();
            for (n, name) in some.iter().cloned().enumerate() {
                let resolver = Arc::clone(&resolver);
                running.spawn(async move { (n, one(&resolver, name).await) });
            }
            let mut answers = running.join_all().await;
            answers.sort_by_key(|(n, _)| *n);
            asked.extend(answers.into_iter().map(|(_, answer)| answer));
            // Nobody there: the others would wait as long for nothing.
            if asked.len() == some.len()
                && asked.iter().all(|asked| matches!(asked.answer, Answer::Failed(_)))
            {
                let rest = names.iter().skip(asked.len()).cloned();
                let failed = |name| Asked {
                    name,
                    answer: Answer::Failed("not asked: nobody answered before".to_owned()),
                };
                let rest: Vec<Asked> = rest.map(failed).collect();
                asked.extend(rest);
                break;
            }
        }
        Ok(asked)
    })
}

/// A resolver that asks these servers and nothing else: no file of hosts, no search domains.
fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let server = |server: &SocketAddr| {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        connections.iter_mut().for_each(|connection| connection.port = server.port());
        NameServerConfig::new(server.ip(), true, connections)
    };
    let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = ONE_TRY;
    options.attempts = 2;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}

async fn one(resolver: &TokioResolver, name: Name) -> Asked {
    let answer = match timeout(ONE_NAME, resolver.lookup(name.full.as_str(), RecordType::TXT)).await {
        Err(_) => Answer::Failed("no answer in time".to_owned()),
        Ok(Err(error)) if error.is_nx_domain() => Answer::None("there is no such name"),
        Ok(Err(error)) if error.is_no_records_found() => Answer::None("the name has no TXT record"),
        Ok(Err(error)) => Answer::Failed(error.to_string()),
        Ok(Ok(found)) => {
            let (mut texts, mut by_way_of) = (Vec::new(), Vec::new());
            for record in found.answers().iter().take(MOST_RECORDS) {
                match &record.data {
                    // The strings of one record are one text (RFC 6376 section 3.6.2.2).
                    RData::TXT(text) => {
                        texts.push(String::from_utf8_lossy(&text.txt_data.concat()).into_owned())
                    }
                    RData::CNAME(to) => by_way_of.push(to.0.to_utf8()),
                    _ => {}
                }
            }
            Answer::Records { texts, by_way_of }
        }
    };
    Asked { name, answer }
}

/// The servers that `/etc/resolv.conf` names.
fn system_servers() -> Result<Vec<SocketAddr>, Failure> {
    let mut text = String::new();
    let file = File::open("/etc/resolv.conf");
    let read = file.and_then(|file| file.take(64 << 10).read_to_string(&mut text));
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let address =
            (words.next() == Some("nameserver")).then(|| words.next()?.parse::<IpAddr>().ok())??;
        Some(SocketAddr::new(address, 53))
    };
    let servers: Vec<SocketAddr> = text.lines().filter_map(address).take(MOST_SERVERS).collect();
    if servers.is_empty() {
        let because = match read {
            Ok(_) => "/etc/resolv.conf names none".to_owned(),
            Err(error) => format!("/etc/resolv.conf: {error}"),
        };
        return Err(Failure::unusable(
            "this system has no name server",
            because,
            "name one with --server ADDRESS",
        ));
    }
    Ok(servers)
}

// ---- answers ----

impl Asked {
    /// The texts that are key records, also such as give no key: that a key was withdrawn was seen as well.
    fn keys(&self) -> Vec<&String> {
        let Answer::Records { texts, .. } = &self.answer else { return Vec::new() };
        let is_key = |text: &&String| {
            !matches!(KeyRecord::parse(text).key, Err(RecordProblem::NotAKeyRecord | RecordProblem::NoKey))
        };
        texts.iter().filter(is_key).collect()
    }

    fn observations(&self, now: Time, witness: &str) -> Vec<KeyObservation> {
        let Answer::Records { by_way_of, .. } = &self.answer else { return Vec::new() };
        let note = (!by_way_of.is_empty()).then(|| format!("by way of {}", by_way_of.join(", ")));
        let observation = |text: &String| KeyObservation {
            domain: self.name.domain.clone(),
            selector: self.name.selector.clone(),
            key: ObservedKey::Record(text.clone()),
            channel: Channel::Dns,
            first_seen: Some(now),
            last_seen: Some(now),
            witness: Some(witness.to_owned()),
            note: note.clone(),
        };
        self.keys().into_iter().map(observation).collect()
    }

    /// `key`, `none` or `failed`, and what there is to say.
    fn value(&self) -> Value {
        let (answer, problem) = match &self.answer {
            Answer::Failed(because) => ("failed", Some(because.clone())),
            Answer::None(because) => ("none", Some((*because).to_owned())),
            Answer::Records { .. } if self.keys().is_empty() => {
                ("none", Some("its TXT records are no key records".to_owned()))
            }
            Answer::Records { .. } => ("key", None),
        };
        json!({
            "domain": self.name.domain,
            "selector": self.name.selector,
            "answer": answer,
            "keys": self.keys().len(),
            "problem": problem,
        })
    }

    fn words(&self) -> String {
        match &self.answer {
            Answer::Failed(because) => format!("not answered: {because}"),
            Answer::None(because) => (*because).to_owned(),
            Answer::Records { .. } => {
                let observations = self.observations(Time(0), "");
                let keys = observations.iter().map(|observation| match list::key(observation) {
                    (Some(bits), _) => format!("a key of {bits} bits"),
                    (None, problem) => problem.unwrap_or_default(),
                });
                let keys: Vec<String> = keys.collect();
                match keys.as_slice() {
                    [] => "its TXT records are no key records".to_owned(),
                    keys => keys.join("; "),
                }
            }
        }
    }
}
