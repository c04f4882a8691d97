//! What was asked of the run, and a name for exactly that: its hash.

use super::Parameters;
use crate::model::hex::hex;
use sha2::{Digest, Sha256};
use std::fmt::Write;

impl Parameters {
    /// Everything that can change a result beside the evidence, as text: one `name=value` a line,
    /// in an order that does not depend on how it was given. The settings file's own bytes do not
    /// count, nor does its place.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        let mut put = |name: &str, value: &str| {
            // A line feed in a name of the settings file must not look like another line.
            let _ = writeln!(text, "{name}={}", value.escape_debug());
        };
        let time = |t: Option<crate::model::Timestamp>| t.map(|t| t.rfc3339()).unwrap_or_default();
        put("from", &time(self.from));
        put("to", &time(self.to));
        put("max_skew_ns", &self.max_skew.0.to_string());
        put("clock", self.clock.mode.word());
        put("profile", self.profile.word());
        for run in &self.analytics {
            put(run.about.id, run.about.version);
            for setting in &run.settings {
                put(
                    &format!("{}.{}", run.about.id, setting.name),
                    &setting.value,
                );
            }
        }
        let mut sorted = |name: &str, mut values: Vec<String>| {
            values.sort();
            values.iter().for_each(|value| put(name, value));
        };
        sorted(
            "host",
            self.hosts.iter().map(|(n, a)| format!("{n}={a}")).collect(),
        );
        sorted(
            "clock",
            self.clock
                .given
                .iter()
                .map(|(name, offset)| format!("{name}={}", offset.0))
                .collect(),
        );
        sorted("scanner", self.scanners.clone());
        sorted(
            "role",
            self.roles()
                .iter()
                .map(|(n, r)| format!("{n}={r}"))
                .collect(),
        );
        sorted(
            "segment",
            self.segments()
                .iter()
                .map(|(n, a)| format!("{n}={a}"))
                .collect(),
        );
        sorted(
            "internal",
            self.assets
                .internal
                .iter()
                .map(ToString::to_string)
                .collect(),
        );
        let hashes = |files: &[super::BackgroundFile]| {
            files.iter().map(|f| hex(&f.sha256)).collect::<Vec<_>>()
        };
        sorted("baseline", hashes(&self.baselines));
        sorted("known_hosts", hashes(&self.known_hosts));
        sorted(
            "containment",
            self.containments
                .iter()
                .map(|c| {
                    format!(
                        "{} {}",
                        c.time.rfc3339(),
                        c.host.as_deref().unwrap_or("all")
                    )
                })
                .collect(),
        );
        // The first rule that fits counts, so their order does.
        for rule in &self.rules {
            put(
                "suppress",
                &format!(
                    "{}; {}; {}; {}",
                    rule.words(),
                    rule.reason,
                    rule.by,
                    rule.until.words
                ),
            );
        }
        text
    }

    /// SHA-256 of `canonical`.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    /// How many settings of the analytics are not at their default.
    pub fn changed(&self) -> usize {
        self.analytics
            .iter()
            .flat_map(|run| &run.settings)
            .filter(|s| s.changed())
            .count()
    }

    /// Stated roles, as text.
    pub fn roles(&self) -> Vec<(String, &'static str)> {
        use crate::context::assets::Asset;
        self.assets
            .roles
            .iter()
            .map(|(asset, role)| match asset {
                Asset::Name(name) => (name.clone(), role.word()),
                Asset::Address(address) => (address.to_string(), role.word()),
            })
            .collect()
    }

    /// Stated segments, one network each, as text.
    pub fn segments(&self) -> Vec<(String, String)> {
        self.assets
            .segments
            .iter()
            .flat_map(|(name, networks)| {
                networks.iter().map(move |n| (name.clone(), n.to_string()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::about::Profile;
    use crate::config::Config;
    use crate::context::clocks::{ClockChoice, ClockMode};
    use crate::model::Span;

    #[test]
    fn the_hash_names_what_is_in_force_and_not_how_it_was_said() {
        let asked = |hosts: &[(&str, &str)], profile| Parameters {
            hosts: hosts
                .iter()
                .map(|(n, a)| ((*n).to_owned(), a.parse().unwrap()))
                .collect(),
            profile,
            ..Parameters::default()
        };
        let (a, b) = (("A", "10.0.0.1"), ("B", "10.0.0.2"));
        let one = asked(&[a, b], Profile::Default);
        assert_eq!(one.sha256(), asked(&[b, a], Profile::Default).sha256());
        assert_ne!(one.sha256(), asked(&[a], Profile::Default).sha256());
        assert_ne!(one.sha256(), asked(&[a, b], Profile::Strict).sha256());
        let mut clocked = one.clone();
        clocked.clock.mode = ClockMode::AsRecorded;
        assert_ne!(one.sha256(), clocked.sha256());
        clocked.clock = ClockChoice::default();
        clocked.clock.given = vec![("A".to_owned(), Span::seconds(3))];
        assert_ne!(one.sha256(), clocked.sha256());
        let mut file = one.clone();
        file.config_sha256 = Some([7; 32]);
        assert_eq!(one.sha256(), file.sha256());
    }

    #[test]
    fn a_line_feed_in_a_name_makes_no_line() {
        let config =
            Config::read(b"[segments]\n\"a\\nprofile=strict\" = \"10.0.0.0/8\"\n").unwrap();
        let asked = Parameters {
            assets: config.assets,
            ..Parameters::default()
        };
        assert_eq!(
            asked
                .canonical()
                .lines()
                .filter(|l| l.starts_with("profile="))
                .count(),
            1
        );
    }
}
