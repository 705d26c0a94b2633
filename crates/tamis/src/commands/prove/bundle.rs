//! The files of a proof. They speak of one mail: no path, no source and no other item of the case is in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tamis_evidence::{
    domains::PSL_VERSION,
    keys::{events::export_events, imports},
};
use tamis_model::{ids::hex, keys::KeyObservation, names::is_hidden, tables::Time};
use tamis_pipeline::examine;

use super::{MAIL, Staging, again::Proof, readme};
use crate::{commands::findings, failure::Failure, screen::rfc3339};

/// All files, in order.
pub const FILES: [&str; 8] = [
    "README.txt",
    "check.sh",
    "finding.json",
    "keys.jsonl",
    MAIL,
    MANIFEST,
    "with_dkimpy.py",
    "with_openssl.py",
];
const MANIFEST: &str = "manifest.json";

/// Writes all files but the mail, which is there and has `bytes`. Returns the manifest's SHA-256.
pub fn write(proof: &Proof, bytes: u64, staging: &Staging) -> Result<String, Failure> {
    let mut sums = BTreeMap::from([(MAIL, (proof.facts.blob.to_string(), bytes))]);
    let files = [
        ("README.txt", readme::text(proof)),
        ("check.sh", include_str!("check.sh").to_owned()),
        ("finding.json", harmless(&pretty(&finding(proof, bytes)))),
        ("keys.jsonl", harmless(&keys(proof))),
        ("with_dkimpy.py", include_str!("with_dkimpy.py").to_owned()),
        ("with_openssl.py", include_str!("with_openssl.py").to_owned()),
    ];
    for (name, text) in &files {
        staging.write(name, text.as_bytes())?;
        sums.insert(name, (sha256(text), text.len() as u64));
    }
    let manifest = manifest(&sums);
    staging.write(MANIFEST, manifest.as_bytes())?;
    Ok(sha256(&manifest))
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// One line a file, which `check.sh` reads with `sed`.
fn manifest(sums: &BTreeMap<&str, (String, u64)>) -> String {
    let lines = sums.iter().map(|(name, (sum, bytes))| {
        format!("    {{\"file\": \"{name}\", \"sha256\": \"{sum}\", \"bytes\": {bytes}}}")
    });
    let lines = lines.collect::<Vec<_>>().join(",\n");
    format!("{{\n  \"tamis\": \"{}\",\n  \"files\": [\n{lines}\n  ]\n}}\n", env!("CARGO_PKG_VERSION"))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// JSON that steers no terminal, and means the same: what could stands within texts only.
fn harmless(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if c != '\n' && is_hidden(c) => {
                let units = c.encode_utf16(&mut [0; 2]).to_vec();
                text.extend(units.into_iter().map(|unit| format!("\\u{unit:04x}")));
            }
            c => text.push(c),
        }
    }
    text
}

/// Observations as `tamis keys export` writes them, without the notes that people made for themselves; then
/// what happened to the keys.
fn keys(proof: &Proof) -> String {
    let bare = |seen: &KeyObservation| KeyObservation { note: None, ..seen.clone() };
    let mut text = imports::export(&proof.keys.iter().map(bare).collect::<Vec<_>>());
    text.push_str(&export_events(&proof.events));
    text
}

/// What is said of the mail, by whom, and as of when.
fn finding(proof: &Proof, bytes: u64) -> Value {
    let (facts, judgement) = (&proof.facts, &proof.judgement);
    let state = &judgement.state;
    let time = |time: Option<Time>| time.and_then(|time| rfc3339(time.0));
    let subject =
        json!({ "item_id": proof.item_id.to_string(), "path": null, "blob": facts.blob.to_string() });
    let findings = judgement.findings.iter().map(|finding| {
        let mut row = examine::row(finding);
        row.reproduce = row.reproduce.replace("FILE", MAIL).replace("KEYS", "keys.jsonl");
        findings::value(&row, vec![subject.clone()])
    });
    let rules: BTreeSet<(&str, u32)> =
        judgement.findings.iter().map(|finding| (finding.rule.as_str(), finding.version)).collect();
    let rules: Map<String, Value> =
        rules.into_iter().map(|(rule, version)| (rule.to_owned(), version.into())).collect();
    json!({
        "tamis": env!("CARGO_PKG_VERSION"),
        "rules": rules,
        "public_suffix_list": PSL_VERSION,
        "as_of": rfc3339(proof.as_of.0),
        "item_id": proof.item_id.to_string(),
        "blob": facts.blob.to_string(),
        "bytes": bytes,
        "media_type": proof.media_type,
        "form": facts.message.form,
        "state": state.state,
        "state_reason": state.reason,
        "state_words": state.words,
        "help": state.help,
        "flags": state.flags,
        "limits": state.limits,
        "time": {
            "not_before": time(state.not_before),
            "not_after": time(state.not_after),
            "witness": state.time_witness,
        },
        "rests_on": proof.rests_on,
        "signatures": signatures(proof),
        "part_signatures": facts.part_signatures,
        "arc": judgement.chain,
        "sealers": proof.sealers,
        "delegates": proof.delegates,
        "findings": findings.collect::<Vec<_>>(),
    })
}

/// As `tamis check` prints them, and what a repair undid.
fn signatures(proof: &Proof) -> Vec<Value> {
    let verdicts = proof.judgement.verdicts.iter().map(|verdict| {
        let mut value = json!(verdict);
        if let Value::Object(fields) = &mut value {
            fields.insert("undone".to_owned(), json!(verdict.undone));
        }
        value
    });
    verdicts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_steer_no_terminal_and_mean_the_same() {
        let value = json!({ "a": "x\u{202e}y\u{1b}[2J\n\u{feff}é" });
        let text = harmless(&pretty(&value));
        assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn the_manifest_is_json_and_has_one_line_a_file() {
        let sums = BTreeMap::from([("b", ("0a".to_owned(), 2)), ("a", ("ff".to_owned(), 1))]);
        let text = manifest(&sums);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["files"][0], json!({ "file": "a", "sha256": "ff", "bytes": 1 }));
        assert_eq!(text.lines().filter(|line| line.starts_with("    {\"file\": ")).count(), 2);
    }

    #[test]
    fn the_scripts_take_nothing_from_their_arguments() {
        for script in
            [include_str!("check.sh"), include_str!("with_dkimpy.py"), include_str!("with_openssl.py")]
        {
            for word in ["argv", "$1", "$@", "$*", "eval", "shell=True"] {
                assert!(!script.contains(word), "{word}");
            }
        }
    }
}
