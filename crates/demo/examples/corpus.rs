//! Writes a dump and says how big it is and how long it took:
//! `cargo run -p tamis-demo --example corpus -- DIR [SCALE [SEED [mixed|one-file]]]`.
//! The truth goes to `DIR.truth.json`.

#![allow(clippy::print_stdout)]

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use flate2::{Compression, write::GzEncoder};
use tamis_demo::{Layout, Plan, Scale, write_dump};

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let Some(dir) = args.next() else {
        println!("usage: corpus DIR [SCALE [SEED [mixed|one-file]]]");
        return ExitCode::from(2);
    };
    let scale = args.next().and_then(|text| text.parse().ok()).map_or(Scale::Small, Scale::Fraction);
    let seed = args.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let layout = match args.next().as_deref() {
        Some("mixed") => Layout::Mixed,
        _ => Layout::OneFileAMail,
    };
    let start = Instant::now();
    let truth = match write_dump(&Plan { scale, seed, layout }, dir.as_ref()) {
        Ok(truth) => truth,
        Err(error) => {
            println!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    if let Err(error) = truth.save(&PathBuf::from(format!("{dir}.truth.json"))) {
        println!("error: {error}");
        return ExitCode::FAILURE;
    }
    println!("{:#?}\n{} planted words, {seconds:.1} s", truth.counts, truth.planted.len());
    match text_ratio(dir.as_ref()) {
        Ok(ratio) => println!("gzip shrinks mails below 12 kB (mostly text, in packs of 40) to 1/{ratio:.2}"),
        Err(error) => println!("cannot read the dump again: {error}"),
    }
    ExitCode::SUCCESS
}

/// How well gzip packs the small mails of a dump: a measure of how natural its text is (French mail
/// with headers packs to about a third).
fn text_ratio(dir: &Path) -> io::Result<f64> {
    let (mut raw, mut packed) = (0, 0);
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut taken = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else if meta.is_file() && meta.len() < 12_000 && taken < 40 {
                taken += 1;
                raw += meta.len();
                gzip.write_all(&fs::read(entry.path())?)?;
            }
        }
        packed += gzip.finish()?.len() as u64;
    }
    Ok(raw as f64 / packed.max(1) as f64)
}
