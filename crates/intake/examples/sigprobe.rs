//! scratch
use std::io::{BufRead, Write};
fn hex(b: &[u8]) -> String {
    b.iter().map(|b| format!("{b:02x}")).collect()
}
fn main() {
    let stdout = std::io::stdout();
    let mut w = std::io::BufWriter::new(stdout.lock());
    for path in std::io::stdin().lock().lines() {
        let path = path.unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let reading = tamis_intake::testing::read(&bytes, "a.eml", "message/rfc822");
        writeln!(w, "FILE\t{path}\t{}", reading.outcome).unwrap();
        for fact in reading.facts {
            match fact {
                tamis_model::tables::Fact::Signature(s) => writeln!(
                    w,
                    "SIG\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                    s.ordinal,
                    s.kind,
                    s.dialect,
                    s.domain,
                    s.selector,
                    s.algorithm,
                    s.canon,
                    hex(&s.signature),
                    s.one_reading,
                    s.defects.join(","),
                    s.unsigned_visible.join(","),
                    s.signed_headers.join(":")
                )
                .unwrap(),
                tamis_model::tables::Fact::Digest(d) => writeln!(
                    w,
                    "DIG\t{}\t{}\t{}\t{}\t{}\t{:?}\t{}\t{}",
                    d.ordinal,
                    d.part,
                    d.repair.unwrap_or_default(),
                    d.hash,
                    hex(&d.digest),
                    d.holds,
                    d.uncovered,
                    d.undone.unwrap_or_default().replace(['\n', '\t', '\r'], " ")
                )
                .unwrap(),
                _ => {}
            }
        }
    }
}
