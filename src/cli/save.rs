//! What is to be said of a run beside its results: for `run.json`.

use super::args::Global;
use super::config;
use super::exit::Exit;
use casewire::case::Case;
use casewire::casefile::run::{Place, Run, SCHEMA, SCHEMA_VERSION};
use casewire::casefile::verify::hash_of;
use casewire::evidence::Weight;
use casewire::investigate::Request;
use casewire::model::Timestamp;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// When a run began.
#[derive(Clone, Copy, Debug)]
pub struct Began {
    wall: SystemTime,
    steady: Instant,
}

impl Began {
    /// Now.
    pub fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            steady: Instant::now(),
        }
    }
}

/// The log of a run that ends now. Its outputs are filled in by whoever writes them.
pub fn run(began: &Began, request: &Request, case: &Case, global: &Global, exit: Exit) -> Run {
    let losses = case.problems.iter().filter(|p| p.weight == Weight::Loss);
    let variable = |names: [&str; 2]| names.into_iter().find_map(|name| std::env::var(name).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let inputs: Vec<PathBuf> = request.evidence.iter().map(|path| absolute(path)).collect();
    let mut run = Run {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        version: case.version.clone(),
        commit: case.commit.clone(),
        program: std::env::current_exe()
            .and_then(|program| hash_of(&program))
            .ok(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        started: utc(began.wall),
        ended: utc(SystemTime::now()),
        elapsed_ms: u64::try_from(began.steady.elapsed().as_millis()).unwrap_or(u64::MAX),
        command: without_passwords(
            std::env::args_os()
                .skip(1)
                .map(|arg| arg.to_string_lossy().into_owned()),
        ),
        directory: std::env::current_dir()
            .map(|path| path.to_string_lossy().into_owned())
            .unwrap_or_default(),
        user: variable(["USER", "USERNAME"]),
        host: host
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .or_else(|| variable(["HOSTNAME", "COMPUTERNAME"])),
        config: config::place(global).map(|path| absolute(&path).to_string_lossy().into_owned()),
        inputs: Vec::new(),
        inputs_escaped: Vec::new(),
        evidence: case
            .evidence
            .iter()
            .map(|row| {
                Place::of(
                    case.labels.file(row.id).into_owned(),
                    &absolute(&row.location),
                )
            })
            .collect(),
        outputs: Vec::new(),
        replaced: None,
        exit: exit.code(),
        warnings: losses
            .map(|p| match p.count {
                0 | 1 => format!("{}: {}", p.message, p.effect),
                n => format!("{} ({n} times): {}", p.message, p.effect),
            })
            .collect(),
    };
    run.set_inputs(&inputs);
    run
}

/// The arguments, with a word in the place of each password: a case is handed on.
fn without_passwords(arguments: impl Iterator<Item = String>) -> Vec<String> {
    const WORD: &str = "withheld";
    let mut kept: Vec<String> = Vec::new();
    for argument in arguments {
        let follows = kept.last().is_some_and(|last| last == "--password");
        kept.push(match argument.strip_prefix("--password=") {
            _ if follows => WORD.to_owned(),
            Some(_) => format!("--password={WORD}"),
            None => argument,
        });
    }
    kept
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn utc(time: SystemTime) -> String {
    let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    });
    Timestamp(nanos).rfc3339()
}
