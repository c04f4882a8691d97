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
    /// Names that may mean something else where they stand bare in a text: numbers, words for a part of
    /// the network, and what was asked for that does not look like a name.
    pub uncertain: BTreeSet<String>,
    /// Accounts, with and without their domain.
    pub users: BTreeMap<String, usize>,
    /// Domains as accounts name them: `CORP` of `CORP\svc-backup`.
    pub account_domains: BTreeMap<String, usize>,
}

/// Members that hold the name of a computer.
pub(super) const HOSTS: [&str; 2] = ["host", "computer"];
/// Members that hold names which were asked for or told in an answer: evidence of anybody's making.
pub(super) const ASKED: [&str; 4] = ["query_name", "peer_name", "query_results", "answers"];
/// Members that hold an account.
pub(super) const USERS: [&str; 3] = ["user", "changed_by_user", "service_account"];
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

/// A name in small letters, each letter by itself, so that a name has as many in either case.
pub(super) fn fold(name: &str) -> String {
    let small = |c: char| c.to_lowercase().next().unwrap_or(c);
    name.chars().map(small).collect()
}

impl Names {
    /// The names of a report, as JSON.
    pub fn of(report: &Value, sorts: &[Sort]) -> Self {
        let mut names = Self::default();
        let mut seen = Seen::default();
        let hosts = &mut seen.hosts;
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
        collect(report, "", &mut seen);
        let Seen {
            mut hosts,
            asked,
            users,
        } = seen;
        // The row of coverage for hosts that no log names is called by a word, unless a host is too.
        let mut at = 0;
        hosts.retain(|name| {
            at += 1;
            at <= listed || !name.eq_ignore_ascii_case(UNNAMED)
        });
        if sorts.contains(&Sort::Hosts) {
            let listed = hosts.iter().map(|name| fold(name)).take(listed).collect();
            let next = names.take_hosts(&hosts, Some(&listed), 0);
            names.take_hosts(&asked, None, next);
            names.take_account_domains(&users);
        }
        if sorts.contains(&Sort::Users) {
            names.take_users(&users);
        }
        names
    }

    /// Takes names in, numbered on from `next`: of computers, those `listed` as such among them, or names
    /// that were asked for. Of these the first label alone is no name: whoever asks for
    /// `no.evil.example` would choose which words are replaced.
    fn take_hosts(
        &mut self,
        found: &[String],
        listed: Option<&BTreeSet<String>>,
        mut next: usize,
    ) -> usize {
        let computers = listed.is_some();
        let mut domains: BTreeSet<String> = std::mem::take(&mut self.domains).into_iter().collect();
        for name in found {
            let name = fold(name.trim_end_matches('.'));
            let address = name.parse::<std::net::IpAddr>().is_ok();
            let word = name.chars().count() < 2 || NO_HOST.contains(&name.as_str());
            let known_host = listed.is_some_and(|listed| listed.contains(&name));
            if name.is_empty() || address || word && !known_host {
                continue;
            }
            let known = self.hosts.get(&name).copied();
            if word || is_number(&name) || !computers && known.is_none() && !resembles_a_name(&name)
            {
                self.uncertain.insert(name.clone());
            }
            let number = known.unwrap_or_else(|| {
                next += 1;
                next
            });
            self.hosts.insert(name.clone(), number);
            if let Some((first, domain)) = name.split_once('.') {
                // `FS01` and `FS01.corp.example` are one host; of two that share it, the first.
                if computers && first.len() >= 2 && first.parse::<u32>().is_err() {
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
        next
    }

    fn take_account_domains(&mut self, accounts: &[String]) {
        for account in accounts {
            let account = fold(account);
            let Some((domain, name)) = account.rsplit_once('\\') else {
                continue;
            };
            if domain.len() < 2 || anybody(domain, name) || self.hosts.contains_key(domain) {
                continue;
            }
            let next = self.account_domains.len() + 1;
            self.account_domains
                .entry(domain.to_owned())
                .or_insert(next);
        }
    }

    fn take_users(&mut self, found: &[String]) {
        let mut next = 0;
        for name in found {
            let name = fold(name);
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

/// Digits and signs alone.
fn is_number(name: &str) -> bool {
    !name.chars().any(char::is_alphabetic)
}

/// What was asked for and looks like a name wherever it stands: it has a domain, or letters beside
/// digits or signs. `stopped`, `upd` and `443` may be words, programs and ports.
fn resembles_a_name(name: &str) -> bool {
    match name.rsplit_once('.') {
        Some((_, top)) => {
            top.len() >= 2 && top.chars().all(char::is_alphabetic) && top != "exe" && top != "dll"
        }
        None => name.contains(['-', '_']) || name.contains(|c: char| c.is_ascii_digit()),
    }
}

/// An account that names nobody in particular.
pub(super) fn anybody(domain: &str, account: &str) -> bool {
    account.is_empty()
        || account == "-"
        || EVERYBODY.contains(&account.to_ascii_lowercase().as_str())
        || BUILT_IN.contains(&domain.to_ascii_lowercase().as_str())
}

/// Names as they were found, in the order of the record.
#[derive(Default)]
struct Seen {
    hosts: Vec<String>,
    asked: Vec<String>,
    users: Vec<String>,
}

fn collect(value: &Value, member: &str, seen: &mut Seen) {
    match value {
        Value::String(text) => {
            if HOSTS.contains(&member) {
                seen.hosts.push(text.clone());
            } else if ASKED.contains(&member) {
                // Answers are told one behind the other, Sysmon's with words before names.
                let each = text.split(|c: char| c == ';' || c == ',' || c.is_whitespace());
                let only = !text.contains(';');
                seen.asked
                    .extend(each.filter(|n| only || n.contains('.')).map(str::to_owned));
            } else if USERS.contains(&member) {
                seen.users.push(text.clone());
            }
            seen.asked.extend(with_ports(text));
            seen.users.extend(profiles(text));
        }
        Value::Array(all) => all.iter().for_each(|one| collect(one, member, seen)),
        Value::Object(members) => {
            for (name, one) in members {
                // The other host of a neighbour event is called `name`, among fields alone.
                let name = match (member, name.as_str()) {
                    ("fields", "name") => "host",
                    (_, name) => name,
                };
                collect(one, name, seen);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The names that a text has as targets, `dc.corp.example port 389`: near misses say them nowhere
/// else.
fn with_ports(text: &str) -> Vec<String> {
    const PORT: &str = " port ";
    let found = text.match_indices(PORT).filter_map(|(at, _)| {
        let number = text.get(at + PORT.len()..)?;
        let before = text.get(..at)?;
        let word = |c: char| c.is_alphanumeric() || "._-".contains(c);
        let name = before.rsplit(|c| !word(c)).next()?;
        let top = name.rsplit_once('.')?.1;
        let is_name = top.chars().all(|c| c.is_ascii_alphabetic()) && top.len() >= 2;
        let counted = number.starts_with(|c: char| c.is_ascii_digit());
        (is_name && counted && !top.eq_ignore_ascii_case("exe")).then(|| name.to_owned())
    });
    found.collect()
}

/// The folder of a profile at the start of `rest`, `\Users\jd\..` or `/Users/jd/..`: where its name
/// begins and how long it is.
pub(super) fn profile(rest: &str) -> Option<(usize, usize)> {
    const ABOVE: &str = "users";
    const ENDS: &str = "\\/\"';,<>|*?:()\t\n";
    let slash = |c: char| c == '\\' || c == '/';
    let above = rest.trim_start_matches(slash);
    if above.len() == rest.len() || !above.get(..ABOVE.len())?.eq_ignore_ascii_case(ABOVE) {
        return None;
    }
    let below = &above[ABOVE.len()..];
    let name = below.trim_start_matches(slash);
    if name.len() == below.len() {
        return None;
    }
    let end = name.find(|c| ENDS.contains(c)).unwrap_or(name.len());
    let piece = &name[..end];
    // A name may hold blanks, but where no folder follows it the path ends at the first.
    let piece = match name[end..].starts_with(slash) {
        true => piece.trim_end(),
        false => piece.split(' ').next().unwrap_or(piece),
    };
    let piece = piece.trim_end_matches('.');
    let somebody = !piece.starts_with(['%', '$', '{']) && !anybody("", piece);
    somebody.then(|| (rest.len() - name.len(), piece.len()))
}

/// The folders of profiles that a text names, as accounts.
fn profiles(text: &str) -> Vec<String> {
    let slashes = text.match_indices(['\\', '/']);
    let found = slashes.filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let (begins, length) = profile(rest)?;
        let name = rest.get(begins..begins + length)?;
        // Two letters are part of too many words to be a name wherever they stand.
        (name.len() >= 3 && name.len() <= 64).then(|| name.to_owned())
    });
    found.collect()
}
