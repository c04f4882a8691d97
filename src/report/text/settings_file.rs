//! What a settings file sets: `casewire config check`.

use super::Style;
use super::page::Page;
use crate::analytics::about::Described;
use crate::case::Parameters;
use crate::config::Config;
use crate::model::hex::hex;
use std::fmt::Display;

/// The page; `in_force` are the analytics with the settings that the file gives them.
pub fn render(config: &Config, in_force: &[Described], style: &Style) -> String {
    let mut page = Page::new(style);
    let asked = Parameters {
        assets: config.assets.clone(),
        ..Parameters::default()
    };
    page.text(0, "The settings file is good. It sets:");
    let hash = config.sha256.map_or_else(String::new, |hash| hex(&hash));
    let pairs = |list: Vec<(String, String)>| {
        list.into_iter()
            .map(|(n, v)| format!("{n} = {v}"))
            .collect::<Vec<_>>()
    };
    let lines = [
        ("case", config.case.iter().cloned().collect()),
        ("examiner", config.examiner.iter().cloned().collect()),
        (
            "profile",
            config.profile.iter().map(|p| p.word().to_owned()).collect(),
        ),
        (
            "host",
            pairs(
                config
                    .hosts
                    .iter()
                    .map(|(n, a)| (n.clone(), a.to_string()))
                    .collect(),
            ),
        ),
        (
            "role",
            pairs(
                asked
                    .roles()
                    .into_iter()
                    .map(|(n, r)| (n, r.to_owned()))
                    .collect(),
            ),
        ),
        ("segment", pairs(asked.segments())),
        ("internal", texts(&config.assets.internal)),
        ("known scanner", texts(&config.scanners)),
    ];
    let mut nothing = true;
    for (label, values) in lines {
        for value in values {
            page.hanging(2, &format!("{label:<15}"), &value);
            nothing = false;
        }
    }
    for run in in_force {
        for setting in run.settings.iter().filter(|s| s.changed()) {
            let default = if setting.default.is_empty() {
                "none"
            } else {
                &setting.default
            };
            page.hanging(
                2,
                &format!("{:<15}", run.about.id),
                &format!("{} = {} (default {default})", setting.name, setting.value),
            );
            nothing = false;
        }
    }
    for rule in &config.rules {
        page.hanging(
            2,
            &format!("{:<15}", "suppress"),
            &format!(
                "{}, until {}: {} ({}; line {})",
                rule.words(),
                rule.until.words,
                rule.reason,
                rule.by,
                rule.line
            ),
        );
        if rule.is_unbounded() {
            page.text(17, "This rule is too broad: it names no source, target, host, process, account, port or rule.");
        }
        nothing = false;
    }
    if nothing {
        page.text(2, "nothing: every setting keeps its default");
    }
    page.hanging(0, "SHA-256 of the file: ", &hash);
    page.finish()
}

fn texts<T: Display>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::register;

    fn page(text: &str) -> String {
        let config = Config::read(text.as_bytes()).unwrap();
        let mut entries = register::all();
        for (id, name, value) in &config.settings {
            let entry = entries.iter_mut().find(|e| e.about().id == id).unwrap();
            entry.set(name, value).unwrap();
        }
        let in_force: Vec<Described> = entries
            .iter()
            .map(|e| Described {
                about: *e.about(),
                settings: e.settings(),
            })
            .collect();
        render(&config, &in_force, &Style::default())
    }

    #[test]
    fn what_the_file_sets_is_said_and_a_rule_for_everything_is_pointed_out() {
        let page = page(
            "[AN0842]\nMinSequenceLen = 4\n[segments]\nservers = \"10.20.0.0/24\"\n\
             [[suppress]]\nanalytic = \"AN0842\"\nreason = \"r\"\nby = \"b\"\nuntil = 2026-04-01\n",
        );
        assert!(
            page.contains("AN0842         MinSequenceLen = 4 (default 3)"),
            "{page}"
        );
        assert!(
            page.contains("segment        servers = 10.20.0.0/24"),
            "{page}"
        );
        assert!(
            page.contains("analytic AN0842, until 2026-04-01: r (b; line 5)"),
            "{page}"
        );
        assert!(page.contains("too broad"), "{page}");
    }

    #[test]
    fn a_file_that_sets_nothing_says_so() {
        assert!(page("# later\n").contains("nothing: every setting keeps its default"));
    }
}
