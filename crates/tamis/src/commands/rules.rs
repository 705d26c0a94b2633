//! `tamis rules`: what each rule means.

use std::io::Write;

use serde_json::json;
use tamis_evidence::rules::{RULES, Rule, share, wilson};

use super::{DONE, Outcome};
use crate::screen::{Screen, json_line};

/// Runs it.
pub fn run(screen: &Screen) -> Outcome {
    let mut out = screen.out();
    for rule in RULES {
        if screen.json {
            json_line(&mut out, &value(rule))?;
            continue;
        }
        writeln!(
            out,
            "{}  (version {}, strength at most {})",
            screen.strong(rule.id),
            rule.version,
            rule.most
        )?;
        writeln!(out, "  {}", rule.meaning)?;
        writeln!(out, "  standard     {}", rule.standard)?;
        for (label, texts) in [("assumes", rule.assumptions), ("innocent", rule.alternatives)] {
            for (n, text) in texts.iter().enumerate() {
                writeln!(out, "  {:<12} {text}", if n == 0 { label } else { "" })?;
            }
        }
        for (n, rate) in rule.rates.iter().enumerate() {
            let label = if n == 0 { "honest mail" } else { "" };
            writeln!(out, "  {label:<12} {}: {}", share(rate.hits, rate.of), rate.corpus)?;
        }
        if rule.rates.is_empty() {
            writeln!(out, "  honest mail  not measured")?;
        }
        writeln!(out, "  see again    {}\n", rule.reproduce)?;
    }
    out.flush()?;
    Ok(DONE)
}

fn value(rule: &Rule) -> serde_json::Value {
    let rates: Vec<_> = rule
        .rates
        .iter()
        .map(|rate| {
            let interval = wilson(rate.hits, rate.of).map(|(low, high)| [low, high]);
            json!({ "hits": rate.hits, "of": rate.of, "corpus": rate.corpus, "interval_95": interval })
        })
        .collect();
    json!({
        "rule": rule.id,
        "version": rule.version,
        "about": rule.about.as_str(),
        "polarity": rule.polarity.as_str(),
        "strength_at_most": rule.most,
        "meaning": rule.meaning,
        "standard": rule.standard,
        "assumptions": rule.assumptions,
        "alternatives": rule.alternatives,
        "base_rates": rates,
        "reproduce": rule.reproduce,
    })
}
