//! From arguments to a request: what needs a look at more than one argument.

use super::args::{Evidence, Global};
use super::config;
use super::exit::{Wrong, say};
use super::nearest::nearest;
use super::{baseline, values};
use casewire::analytics::about::Described;
use casewire::context::clocks::ClockChoice;
use casewire::investigate::{Background, Request};
use casewire::model::Span;

/// A request for the evidence alone, without analytics or case data.
pub fn of(args: &Evidence, global: &Global) -> Result<Request, Wrong> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(Wrong(format!(
            "--from {} is after --to {}; swap them",
            from.rfc3339(),
            to.rfc3339()
        )));
    }
    for path in &args.evidence {
        if !path.exists() {
            return Err(Wrong(format!(
                "{} does not exist; give a file or a folder of evidence",
                path.display()
            )));
        }
    }
    if args.no_hash && !global.quiet {
        say("note: --no-hash leaves the evidence without SHA-256; do not use it for case work");
    }
    Ok(Request {
        evidence: args.evidence.clone(),
        analytics: Vec::new(),
        config: config::of(global)?,
        profile: None,
        settings: Vec::new(),
        from: args.from,
        to: args.to,
        threads: args.threads.map(usize::from),
        memory: args.memory,
        hash: !args.no_hash,
        passwords: args.passwords.clone(),
        hash_again: false,
        strict: args.strict,
        max_skew: args.max_skew,
        silence: casewire::case::gaps::SILENCE,
        clock: clock(&args.clock)?,
        hosts: args.hosts.clone(),
        containments: args.containment.clone(),
        background: background(args)?,
        case: None,
        examiner: None,
    })
}

fn background(args: &Evidence) -> Result<Background, Wrong> {
    let mut background = Background::default();
    for path in &args.baseline {
        let bytes = baseline::read(path)?;
        background
            .baseline(&path.display().to_string(), &bytes)
            .map_err(Wrong)?;
    }
    for path in &args.known_hosts {
        let shown = path.display().to_string();
        let text = baseline::read(path).and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|_| Wrong(format!("{shown} is not UTF-8 text; save it as UTF-8")))
        })?;
        background.known_hosts(&shown, &text).map_err(|faults| {
            for fault in faults.iter().take(20) {
                say(&format!("error: {shown}: {fault}"));
            }
            Wrong(format!(
                "{} wrong lines in {shown}; nothing was run",
                faults.len()
            ))
        })?;
    }
    Ok(background)
}

/// One mode for all hosts, and at most one offset for each.
fn clock(args: &[values::Clock]) -> Result<ClockChoice, Wrong> {
    let mut mode = None;
    let mut given: Vec<(String, Span)> = Vec::new();
    for arg in args {
        match arg {
            values::Clock::Mode(wanted) if mode.is_some_and(|held| held != *wanted) => {
                return Err(Wrong(
                    "--clock is both measured and as-recorded; give one of them".to_owned(),
                ));
            }
            values::Clock::Mode(wanted) => mode = Some(*wanted),
            values::Clock::Ahead(name, offset) => {
                match given
                    .iter()
                    .find(|(held, _)| held.eq_ignore_ascii_case(name))
                {
                    Some((_, held)) if held != offset => {
                        return Err(Wrong(format!("--clock gives {name} two offsets; give one")));
                    }
                    Some(_) => {}
                    None => given.push((name.clone(), *offset)),
                }
            }
        }
    }
    Ok(ClockChoice {
        mode: mode.unwrap_or_default(),
        given,
    })
}

/// Analytic id, setting name, value as text.
type Setting = (String, String, String);

/// Puts analytic ids and setting names into the spelling of the register (case does not matter on
/// the command line) and refuses unknown ones.
pub fn named(
    register: &[Described],
    analytics: &[String],
    settings: &[Setting],
) -> Result<(Vec<String>, Vec<Setting>), Wrong> {
    let mut chosen: Vec<String> = Vec::new();
    for id in analytics {
        let id = analytic(register, id)?.about.id;
        if !chosen.iter().any(|other| other == id) {
            chosen.push(id.to_owned());
        }
    }
    let mut changed = Vec::new();
    for (id, name, value) in settings {
        let of = analytic(register, id)?;
        let known = of
            .settings
            .iter()
            .find(|s| s.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                unknown(
                    &format!("{} has no setting '{name}'", of.about.id),
                    nearest(name, of.settings.iter().map(|s| s.name)),
                    &format!("see 'casewire analytics show {}'", of.about.id),
                )
            })?;
        changed.push((of.about.id.to_owned(), known.name.to_owned(), value.clone()));
    }
    Ok((chosen, changed))
}

/// The analytic of that id.
pub fn analytic<'a>(register: &'a [Described], id: &str) -> Result<&'a Described, Wrong> {
    register
        .iter()
        .find(|d| d.about.id.eq_ignore_ascii_case(id))
        .ok_or_else(|| {
            unknown(
                &format!("there is no analytic '{id}'"),
                nearest(id, register.iter().map(|d| d.about.id)),
                "see 'casewire analytics list'",
            )
        })
}

fn unknown(what: &str, near: Option<&str>, else_do: &str) -> Wrong {
    match near {
        Some(near) => Wrong(format!("{what}; did you mean '{near}'?")),
        None => Wrong(format!("{what}; {else_do}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casewire::analytics::about::{About, Setting};
    use casewire::context::clocks::ClockMode;

    fn register() -> Vec<Described> {
        let about = About {
            id: "AN0842",
            name: "",
            version: "1.0.0",
            technique: &[],
            strategy: "",
            summary: "",
            steps: &[],
            needs: &[],
            cannot_see: &[],
            benign: &[],
            severities: &[],
            same_chain: None,
            actions: &[],
        };
        let setting = Setting {
            name: "MinSequenceLen",
            kind: "whole number",
            default: "3".to_owned(),
            profiles: Vec::new(),
            value: "3".to_owned(),
            range: "2 to 32".to_owned(),
            meaning: "",
            source: "",
        };
        vec![Described {
            about,
            settings: vec![setting],
        }]
    }

    #[test]
    fn two_modes_or_two_offsets_of_one_host_are_refused() {
        let given = |texts: &[&str]| {
            let args: Vec<values::Clock> =
                texts.iter().map(|t| values::clock(t).unwrap()).collect();
            clock(&args)
        };
        let choice = given(&["FS01=+1s", "FS02=-1s", "FS01=1s"]).unwrap();
        assert_eq!(choice.given.len(), 2);
        assert_eq!(choice.mode, ClockMode::Measured);
        assert!(given(&["FS01=+1s", "fs01=2s"]).is_err());
        assert!(given(&["measured", "as-recorded"]).is_err());
    }

    fn set(id: &str, name: &str) -> Vec<(String, String, String)> {
        vec![(id.to_owned(), name.to_owned(), "4".to_owned())]
    }

    #[test]
    fn names_are_taken_in_any_case_and_passed_on_in_the_registers() {
        let (chosen, changed) = named(
            &register(),
            &["an0842".into(), "AN0842".into()],
            &set("An0842", "minsequencelen"),
        )
        .unwrap();
        assert_eq!(chosen, ["AN0842"]);
        assert_eq!(changed, set("AN0842", "MinSequenceLen"));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        let error = |a: &[String], s: &[(String, String, String)]| {
            named(&register(), a, s).unwrap_err().to_string()
        };
        assert_eq!(
            error(&["AN0824".into()], &[]),
            "there is no analytic 'AN0824'; did you mean 'AN0842'?"
        );
        assert_eq!(
            error(&[], &set("AN0842", "MinSeqLen")),
            "AN0842 has no setting 'MinSeqLen'; did you mean 'MinSequenceLen'?"
        );
        assert_eq!(
            error(&[], &set("AN0842", "Colour")),
            "AN0842 has no setting 'Colour'; see 'casewire analytics show AN0842'"
        );
    }
}
