//! `README.txt` of a proof: for the journalist who prints it, and the expert who checks it.

use std::fmt::Write as _;

use tamis_evidence::mail::Verdict;
use tamis_model::{findings::MessageState, keys::Channel, names::printable, tables::Time};

use super::again::Proof;
use crate::screen::rfc3339;

/// Longest line.
const WIDTH: usize = 88;

/// The text.
pub fn text(proof: &Proof) -> String {
    let mut text = String::from("A MAIL, AND WHAT CAN BE SHOWN OF IT\n");
    paragraph(
        &mut text,
        "",
        &format!(
            "Written by tamis {} as of {}. This folder holds one whole mail, private addresses and attachments included: read it before you hand it on. It holds nothing of any other mail.",
            env!("CARGO_PKG_VERSION"),
            moment(Some(proof.as_of)),
        ),
    );
    shown(proof, &mut text);
    open(proof, &mut text);
    checking(proof, &mut text);
    text.push_str(FILES);
    text
}

const FILES: &str = "
THE FILES

  mail.eml         the mail: the very bytes that the case holds
  finding.json     the same as above for programs: every signature, every finding with its innocent
                   explanations and error rate, the versions of the rules
  keys.jsonl       what is known of the keys that the mail's signatures name: who saw them, when
  check.sh         compares the files with manifest.json, and runs the two scripts below
  with_openssl.py  checks the signatures with openssl; needs Python 3 and nothing else
  with_dkimpy.py   checks them with dkimpy, another program for DKIM, where it is installed
  manifest.json    the SHA-256 of each file: publish that of manifest.json itself, and nobody can
                   change the folder unseen
";

fn heading(text: &mut String, title: &str) {
    let _ = write!(text, "\n{title}\n");
}

/// Words in lines, after an empty line; whatever stands in them steers no terminal.
fn paragraph(text: &mut String, indent: &str, words: &str) {
    text.push('\n');
    lines(text, indent, indent, words);
}

fn lines(text: &mut String, first: &str, indent: &str, words: &str) {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in printable(words).split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = indent.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(text, "{line}");
}

fn item(text: &mut String, label: &str, words: &str) {
    lines(text, &format!("  {label:<15}"), &" ".repeat(17), words);
}

fn moment(time: Option<Time>) -> String {
    time.and_then(|time| rfc3339(time.0)).unwrap_or_else(|| "unknown".to_owned())
}

// ---- what is shown ----

fn shown(proof: &Proof, text: &mut String) {
    let state = &proof.judgement.state;
    heading(text, "WHAT IS SHOWN");
    paragraph(text, "    ", &state.words);
    paragraph(
        text,
        "",
        "Print that sentence whole: its second half belongs to it. Name the signer, who saw its key, and the day on which you checked.",
    );
    text.push('\n');
    item(text, "state", &format!("{} ({}, {})", proof.state().words(), state.state, state.reason));
    if let Some(verdict) = proof.deciding() {
        signature(verdict, text);
    }
    if !state.flags.is_empty() {
        item(text, "flags", &state.flags.join(", "));
    }
    item(text, "not before", &moment(state.not_before));
    item(text, "not after", &moment(state.not_after));
    if let Some(witness) = &state.time_witness {
        item(text, "so says", witness);
    }
    item(text, "content", &format!("SHA-256 {}", proof.facts.blob));
    item(text, "item", &proof.item_id.to_string());
    if let Some(help) = &state.help {
        item(text, "would help", help);
    }
}

fn signature(verdict: &Verdict, text: &mut String) {
    let bits = verdict.key_bits.map_or(String::new(), |bits| format!(", {bits} bits"));
    let (domain, selector) = (&verdict.domain, &verdict.selector);
    item(text, "signer", &format!("{domain}, selector {selector}, {}{bits}", verdict.algorithm));
    if let Some(key) = &verdict.key {
        let witness = key.witness.as_deref().unwrap_or("nobody who is named");
        item(text, "key seen by", &format!("{witness} ({})", channel(key.channel)));
        let (first, last) = (moment(key.first_seen), moment(key.last_seen));
        item(text, "key seen", &format!("first {first}, last {last}"));
    }
    item(text, "signed fields", &verdict.signed_headers.join(", "));
    if !verdict.unsigned_visible.is_empty() {
        item(text, "not signed", &verdict.unsigned_visible.join(", "));
    }
    if verdict.uncovered > 0 {
        item(text, "not signed", &format!("the last {} bytes of the text", verdict.uncovered));
    }
    if let Some(repair) = &verdict.repair {
        let undone = verdict.undone.as_deref().unwrap_or("not told");
        item(text, "damage undone", &format!("{repair}: {undone}"));
    }
}

fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Dnssec => "asked in the DNS, with a chain of signatures",
        Channel::Dns => "asked in the DNS",
        Channel::Archive => "an archive of DNS records",
        Channel::OutsideMail => "it verifies a mail that came from elsewhere",
        Channel::ArchiveUnstated => "an archive that does not say where it has the key from",
        Channel::User => "entered by a person",
        Channel::Recovered => {
            "computed from signatures of the same case: it shows that one key made them, not whose"
        }
    }
}

// ---- what it leaves open ----

fn open(proof: &Proof, text: &mut String) {
    heading(text, "WHAT THIS DOES NOT SAY");
    text.push('\n');
    for (n, limit) in (1..).zip(&proof.judgement.state.limits) {
        lines(text, &format!("  {n}. "), "     ", limit);
    }
    lines(text, "  ", "  ", "And it never says that what the mail claims is true.");
    if proof.state() == MessageState::E {
        paragraph(
            text,
            "",
            "A mismatch says that something changed, not who changed it, why, or that it matters: lists, gateways, scanners and mail programs change mail every day. How many comparable mails show the same was counted in the case, and cannot be counted in this folder.",
        );
    }
}

// ---- how to check it ----

fn checking(proof: &Proof, text: &mut String) {
    heading(text, "HOW TO CHECK IT");
    paragraph(text, "    ", "sh check.sh");
    paragraph(
        text,
        "",
        "It uses sha256sum, Python, openssl and dkimpy, which are other people's, and no network. It ends with 0 if the signature on which the finding rests is as finding.json says, with 1 if it is not, and with 2 if it cannot be checked with the tools that are there. It reads its keys from keys.jsonl: it shows that such a key made the signature. That the key was the signer's, only the witness of the key can say: ask there.",
    );
    if let Some(words) = special(proof) {
        paragraph(text, "", words);
    }
    paragraph(
        text,
        "",
        "With the same program: tamis check mail.eml --keys keys.jsonl. It knows the keys, and not what else the case was told (dates of an intrusion, trusted relays).",
    );
}

/// What is to be known where the scripts alone do not tell.
fn special(proof: &Proof) -> Option<&'static str> {
    let state = &proof.judgement.state;
    let deciding = proof.deciding();
    if state.reason == "key-inside" {
        return Some(
            "The finding rests on a signature inside the mail by S/MIME or OpenPGP, whose certificate or key came with it; the scripts do not look at these. By hand, for S/MIME: openssl cms -verify -noverify -in mail.eml; for OpenPGP: take the key and the signed part out of the mail, and use gpg --verify.",
        );
    }
    if deciding.is_some_and(|verdict| verdict.repair.is_some()) {
        return Some(
            "The signature does not hold over mail.eml as it stands, but once known damage of transport or export, or a known habit of its signer's program, is undone. What was undone is told above and in finding.json (undone). Other people's tools do not undo it, so check.sh ends with 2: undo it by hand in a copy of mail.eml, and check the copy.",
        );
    }
    if deciding.is_some_and(|verdict| verdict.dialect == "nowsp") {
        return Some(
            "The signature is of a form from before the standard (nowsp) that neither openssl nor dkimpy reads, so check.sh ends with 2.",
        );
    }
    match state.state.as_str() {
        "E" => Some(
            "Here the scripts confirm that the key made this very signature (openssl finds the digest of what was signed inside it), and that the digest is not that of mail.eml.",
        ),
        _ => None,
    }
}
