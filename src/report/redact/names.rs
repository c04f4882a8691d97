//! The names that a record holds as names: of hosts and their domains, of accounts.

use super::Sort;
use crate::case::judged::UNNAMED;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Names in lower case, and the number of what they name. Numbers follow the order of the record.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Names and first labels of hosts.
    pub hosts: BTreeMap<String, usize>,
    /// Domains of hosts, the longest first.
    pub domains: Vec<String>,
    /// Accounts, with and without their domain.
    pub users: BTreeMap<String, usize>,
}

/// Members that hold the name of a host.
const HOSTS: [&str; 4] = ["host", "computer", "query_name", "peer_name"];
/// Members that hold an account.
const USERS: [&str; 3] = ["user", "changed_by_user", "service_account"];
/// Words that stand where a host can, and name none.
const NO_HOST: [&str; 7] = [
    "captures",
    "network",
    "localhost",
    "localdomain",
    "local",
    "all hosts",
    "all",
];
/// Accounts that every Windows host has.
const EVERYBODY: [&str; 14] = [
    "system",
    "localsystem",
    "local service",
    "localservice",
    "network service",
    "networkservice",
    "anonymous logon",
    "trustedinstaller",
    "everyone",
    "public",
    "default",
    "default user",
    "all users",
    "administrators",
];
/// Domains of such accounts.
const BUILT_IN: [&str; 5] = [
    "nt authority",
    "nt service",
    "builtin",
    "window manager",
    "font driver host",
];

impl Names {
    /// The names of a report, as JSON.
    pub fn of(report: &Value, sorts: &[Sort]) -> Self {
        let mut names = Self::default();
        let (mut hosts, mut users) = (Vec::new(), Vec::new());
        // The list of hosts first: its order is the one a reader knows.
        let listed = report["hosts"].as_array().into_iter().flatten();
        hosts.extend(listed.filter_map(|host| host["name"].as_str().map(str::to_owned)));
        let stated = report["parameters"]["hosts"]
            .as_array()
            .into_iter()
            .flatten();
        hosts.extend(stated.filter_map(|host| host["name"].as_str().map(str::to_owned)));
        let found = report["findings"].as_array().into_iter().flatten();
        hosts.extend(
            found.filter_map(|f| f["entities"]["host"]["name"].as_str().map(str::to_owned)),
        );
        let listed = hosts.len();
        collect(report, "", &mut hosts, &mut users);
        // The row of coverage for hosts that no log names is called by a word, unless a host is too.
        let mut at = 0;
        hosts.retain(|name| {
            at += 1;
            at <= listed || !name.eq_ignore_ascii_case(UNNAMED)
        });
        if sorts.contains(&Sort::Hosts) {
            names.take_hosts(&hosts);
        }
        if sorts.contains(&Sort::Users) {
            names.take_users(&users);
        }
        names
    }

    fn take_hosts(&mut self, found: &[String]) {
        let mut domains = BTreeSet::new();
        let mut next = 0;
        for name in found {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let address = name.parse::<std::net::IpAddr>().is_ok();
            if name.len() < 2 || address || NO_HOST.contains(&name.as_str()) {
                continue;
            }
            let known = self.hosts.get(&name).copied();
            let number = known.unwrap_or_else(|| {
                next += 1;
                next
            });
            self.hosts.insert(name.clone(), number);
            if let Some((first, domain)) = name.split_once('.') {
                // `FS01` and `FS01.corp.example` are one host; of two that share it, the first.
                if first.len() >= 2 && first.parse::<u32>().is_err() {
                    self.hosts.entry(first.to_owned()).or_insert(number);
                }
                if domain.contains('.') {
                    domains.insert(domain.to_owned());
                }
            }
        }
        self.domains = domains.into_iter().collect();
        self.domains
            .sort_by_key(|domain| std::cmp::Reverse(domain.len()));
    }

    fn take_users(&mut self, found: &[String]) {
        let mut next = 0;
        for name in found {
            let name = name.to_ascii_lowercase();
            let (domain, account) = name.rsplit_once('\\').unwrap_or(("", &name));
            if anybody(domain, account) {
                continue;
            }
            let known = self.users.get(&name).or_else(|| self.users.get(account));
            let number = known.copied().unwrap_or_else(|| {
                next += 1;
                next
            });
            self.users.insert(name.clone(), number);
            // Two letters are part of too many words.
            if account.len() >= 3 {
                self.users.entry(account.to_owned()).or_insert(number);
            }
        }
    }
}

/// An account that names nobody in particular.
pub(super) fn anybody(domain: &str, account: &str) -> bool {
    account.is_empty()
        || account == "-"
        || EVERYBODY.contains(&account.to_ascii_lowercase().as_str())
        || BUILT_IN.contains(&domain.to_ascii_lowercase().as_str())
}

fn collect(value: &Value, member: &str, hosts: &mut Vec<String>, users: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            if HOSTS.contains(&member) {
                hosts.push(text.clone());
            } else if USERS.contains(&member) {
                users.push(text.clone());
            }
            users.extend(profiles(text));
        }
        Value::Array(all) => all
            .iter()
            .for_each(|one| collect(one, member, hosts, users)),
        Value::Object(members) => {
            for (name, one) in members {
                // The other host of a neighbour event is called `name`, among fields alone.
                let name = match (member, name.as_str()) {
                    ("fields", "name") => "host",
                    (_, name) => name,
                };
                collect(one, name, hosts, users);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The folders below `\Users\` that a text names.
fn profiles(text: &str) -> Vec<String> {
    const ABOVE: &str = "\\users\\";
    let lower = text.to_ascii_lowercase();
    lower
        .match_indices(ABOVE)
        .filter_map(|(at, _)| {
            let rest = text.get(at + ABOVE.len()..)?;
            let end = rest.find(['\\', '"', '/', ';', ',']).unwrap_or(rest.len());
            let name = rest.get(..end)?.trim();
            (name.len() >= 3 && name.len() <= 64).then(|| name.to_owned())
        })
        .collect()
}
