//! `casewire verify`: is everything what it was, and does it still give the same result?

use super::args::{Cli, Command, Global, Verify};
use super::exit::{Exit, Wrong, say};
use super::{analyze, config, output, progress};
use casewire::casefile::places::Places;
use casewire::casefile::verify::{self, Checked, State};
use casewire::casefile::{CaseFolder, REPORT, TIMELINE, compare};
use casewire::investigate;
use casewire::model::hex::hex;
use casewire::report::escape::vis;
use casewire::report::json;
use clap::Parser;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::PathBuf;

/// Runs it.
pub fn run(args: &Verify, global: &Global) -> anyhow::Result<Exit> {
    // The same mistake is the same exit code as of the commands that make a case.
    if !args.case.case.exists() {
        return Err(Wrong(format!(
            "{} does not exist; give a case folder that 'casewire analyze -o' made",
            args.case.case.display()
        ))
        .into());
    }
    let folder = verify::folder(&args.case.case)?;
    let whole = folder.is_whole();
    let mut same = whole;
    let (held, mut told) = (folder.lines, folder.told);
    // A record that can no longer be read is one of the lines; there is nothing to go on from.
    let case = match CaseFolder::open(&args.case.case) {
        Ok(case) => case,
        Err(error) => {
            told.push(format!("the report cannot be read: {error}"));
            print(&held, &told)?;
            return Ok(Exit::Changed);
        }
    };
    let places = Places::of(
        &case,
        args.case.evidence.as_deref(),
        &args.case.passwords,
        None,
    );
    let mut checked = verify::evidence(&case, &places);
    told.extend(verify::not_yielded(&case, &places));
    if args.rerun {
        checked.extend(again(args, &case, &places, global, &mut told)?);
    }
    same &= checked.iter().all(|line| line.state == State::Ok);
    if let Some(other) = &args.against {
        let other = CaseFolder::open(other)?;
        let differences = compare::differences(&case.report, &other.report);
        same &= differences.is_empty();
        if differences.is_empty() {
            told.push("both cases say the same".to_owned());
        }
        told.extend(differences);
    }
    checked.splice(0..0, held);
    print(&checked, &told)?;
    if whole && !global.quiet {
        say(
            "note: nothing in a case says what its SHA256SUMS was; hold its SHA-256 against the one noted when the \
             case was made",
        );
    }
    if !same && !global.quiet {
        say("note: exit 4: not everything is what it was");
    }
    Ok(if same { Exit::Done } else { Exit::Changed })
}

fn print(checked: &[Checked], told: &[String]) -> anyhow::Result<()> {
    let mut page = String::new();
    for line in checked {
        let sum = line.sha256.as_deref().unwrap_or("-");
        writeln!(
            page,
            "{:<9}  {sum:<64}  {}",
            line.state.word(),
            vis(&line.file)
        )?;
    }
    for sentence in told {
        writeln!(page, "{}", vis(sentence))?;
    }
    output::print(page.as_bytes())
}

/// Runs again what `run.json` recorded, and holds the results against the recorded ones.
fn again(
    args: &Verify,
    case: &CaseFolder,
    places: &Places,
    global: &Global,
    told: &mut Vec<String>,
) -> anyhow::Result<Vec<Checked>> {
    let run = case.run.as_ref().ok_or_else(|| {
        Wrong("run.json is missing or unreadable, so it is not known what to run again".to_owned())
    })?;
    let line = std::iter::once("casewire").chain(run.command.iter().map(String::as_str));
    let recorded = Cli::try_parse_from(line)
        .map_err(|error| Wrong(format!("the recorded command cannot be run again: {error}")))?;
    let Command::Analyze(mut analyze) = recorded.command else {
        return Err(Wrong("the recorded command is no 'casewire analyze'".to_owned()).into());
    };
    let whole_folders = run
        .given()
        .any(|input| !run.evidence.iter().any(|place| place.on_disk() == input));
    analyze.evidence.evidence = match &args.case.evidence {
        None => run.given().collect(),
        Some(folder) if whole_folders => vec![folder.clone()],
        Some(_) => places.on_disk().map(|file| file.path.clone()).collect(),
    };
    if !analyze.evidence.passwords.is_empty() {
        if args.case.passwords.is_empty() {
            return Err(Wrong(
                "the recorded run was given passwords, which a case does not keep; give them again with --password"
                    .to_owned(),
            )
            .into());
        }
        analyze.evidence.passwords.clone_from(&args.case.passwords);
    }
    if args.threads.is_some() {
        analyze.evidence.threads = args.threads;
    }
    let mut quiet = recorded.global;
    quiet.quiet = true;
    quiet.config = run.config.as_ref().map(PathBuf::from);
    if quiet.config.is_none() && config::place(&quiet).is_some() {
        return Err(Wrong(
            "the recorded run had no settings file; unset CASEWIRE_CONFIG to run it again"
                .to_owned(),
        )
        .into());
    }
    let wanted = analyze::request(&analyze, &quiet)?;
    let mut timeline = Sha256::new();
    let again = {
        let progress = progress::shown(global);
        investigate::witnessed(&wanted, &*progress, &mut |event, labels| {
            let line = json::event_line(event, labels).map_err(std::io::Error::other)?;
            timeline.update(line.as_bytes());
            timeline.update(b"\n");
            Ok(())
        })?
    };
    let bytes = json::report(&again)?;
    if bytes != case.bytes {
        told.extend(compare::differences(&case.report, &json::shaped(&again)));
    }
    let recorded = |name: &str| {
        let output = run.outputs.iter().find(|output| output.name == name);
        output.map(|output| output.sha256.clone())
    };
    let line = |name: &str, sum: String, before: Option<String>| Checked {
        state: if before.as_ref() == Some(&sum) {
            State::Ok
        } else {
            State::Changed
        },
        file: format!("{name} of the second run"),
        sha256: Some(sum),
    };
    Ok(vec![
        line(
            REPORT,
            hex(&Sha256::digest(&bytes)),
            Some(hex(&Sha256::digest(&case.bytes))),
        ),
        line(TIMELINE, hex(&timeline.finalize()), recorded(TIMELINE)),
    ])
}
