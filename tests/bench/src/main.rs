//! Makes large captures and event logs to measure with: the same bytes for the same arguments.
//!
//! It measures nothing itself; `run.sh` beside it does. What was put into a capture that an
//! analytic should find is printed, one line each.

mod campaign;
mod capture;
mod chance;
mod conversation;
mod log;
mod network;

use std::fs::File;
use std::io::BufWriter;
use std::process::ExitCode;

const USAGE: &str =
    "usage: casewire-bench capture OUT SIZE SEED [mixed|flood]   (OUT ending in .pcapng: pcapng)
       casewire-bench log OUT SIZE SEED [mixed|wfp]
SIZE in bytes, or with KiB, MiB or GiB; the file is about that large";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("casewire-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<(), String> {
    let [what, out, size, seed, rest @ ..] = args else {
        return Err(USAGE.to_owned());
    };
    let size = bytes(size).ok_or(USAGE)?;
    let seed: u64 = seed.parse().map_err(|_| USAGE)?;
    let kind = rest.first().copied().unwrap_or("mixed");
    let file = File::create(out).map_err(|e| format!("{out}: {e}; give another place"))?;
    let failed = |e: std::io::Error| format!("{out}: {e}; free some space or give another place");
    match (*what, kind) {
        ("capture", "mixed" | "flood") => {
            let form = if out.ends_with(".pcapng") {
                capture::Form::Pcapng
            } else {
                capture::Form::Pcap
            };
            let file = BufWriter::with_capacity(1 << 20, file);
            capture::write(file, form, size, seed, kind == "flood").map_err(failed)
        }
        ("log", "mixed" | "wfp") => log::write(file, size, seed, kind == "wfp").map_err(failed),
        _ => Err(USAGE.to_owned()),
    }
}

fn bytes(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (digits, shift) = units
        .iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits, *shift)))
        .unwrap_or((text, 0));
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}
