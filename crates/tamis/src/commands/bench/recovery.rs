//! p9: a key from two signatures.

use std::{fs, ops::ControlFlow, time::Instant};

use tamis_evidence::keys::{
    recovery::{Sample, recover, synthetic},
    rsa::block,
};
use tamis_model::ids::hex;

use super::{
    clock,
    figure::{Figure, Unit},
    lab::Lab,
    scripts::DIVISORS,
};
use crate::{failure::Failure, progress};

/// Sizes of keys, bits.
const SIZES: [u32; 2] = [2048, 1024];

/// Processor time of recovery, and of the same divisor by peers.
pub fn p9(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for bits in SIZES {
        let samples = synthetic(bits);
        lab.say(&format!("recovering a key of {bits} bits"));
        let (start, clock) = (clock::process(), Instant::now());
        let recovered = recover(
            &samples,
            &mut |_| if progress::stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) },
            None,
        );
        let (seconds, wall) = (clock::process() - start, clock.elapsed().as_secs_f64());
        if progress::stopped() {
            return Ok(figures);
        }
        let modulus = recovered.map_err(|stop| wrong(&stop.to_string()))?.modulus;
        let on = format!("three signatures of {bits} bits with the exponent 65537: two give the key");
        let what = format!("{bits} bits: all exponents, both powers, divisor, check; {wall:.1} s of clock");
        let command = "in this process: tamis_evidence::keys::recovery::recover";
        figures.push(Figure::new("tamis", Unit::CpuSeconds, seconds, what, command).on(&on));
        figures
            .extend(peers(lab, bits, &samples, &modulus, seconds)?.into_iter().map(|figure| figure.on(&on)));
    }
    Ok(figures)
}

fn peers(lab: &Lab, bits: u32, samples: &[Sample], modulus: &[u8], own: f64) -> Result<Vec<Figure>, Failure> {
    let name = format!("pair-{bits}");
    let lines = samples.iter().take(2).filter_map(|sample| {
        let block = block(sample.hash, &sample.digest, sample.signature.len(), true)?;
        Some(format!("{} {}\n", hex(&sample.signature), hex(&block)))
    });
    fs::write(lab.path(&name), lines.collect::<String>())?;
    let mut figures = Vec::new();
    for script in DIVISORS {
        let Some((usage, printed)) = script.run(lab, &lab.path(&name))? else { continue };
        if printed.trim() != hex(modulus).trim_start_matches('0') {
            return Err(wrong(&format!("{} computed another modulus", script.name)));
        }
        let what = format!("{bits} bits: powers and divisor alone; {:.1} s of clock", usage.wall);
        let figure =
            Figure::new(script.name, Unit::CpuSeconds, usage.cpu, what, &script.command(&name)).over(own);
        figures.push(figure);
    }
    Ok(figures)
}

fn wrong(because: &str) -> Failure {
    Failure::unusable(
        "the key of the bench's own signatures was not recovered",
        because,
        "this is a bug: run `cargo test -p tamis-evidence recovery`",
    )
}
