//! Programs and commands that scan: names, original names and command lines.
//!
//! A match alone proves nothing; it counts together with connections of the same process.

use crate::context::processes::Instance;
use crate::eventlog::normalise::image::image_name;

/// Program names, without `.exe`.
const PROGRAMS: [&str; 22] = [
    "nmap",
    "zenmap",
    "masscan",
    "zmap",
    "rustscan",
    "naabu",
    "nimscan",
    "advanced_port_scanner",
    "advanced_ip_scanner",
    "advanced_port_scanner_console",
    "netscan",
    "softperfect network scanner",
    "ipscan",
    "angryip",
    "portqry",
    "fscan",
    "kscan",
    "superscan",
    "unicornscan",
    "nbtscan",
    "nessusd",
    "smbmap",
];

/// Parts of command lines that scan.
const COMMANDS: [&str; 8] = [
    "invoke-portscan",
    "invoke-arpscan",
    "invoke-smbscanner",
    "invoke-sharefinder",
    "portscan-port",
    "new-object net.sockets.tcpclient",
    "1..254|%",
    "1..1024|%",
];

/// Commands that ask one host; a loop of them scans.
const PROBES: [&str; 5] = [
    "test-netconnection",
    "tnc",
    "test-connection",
    "ping",
    "nslookup",
];

/// What about a process is a scanner's, in words; `started` is what the record of its start says.
pub(super) fn of_process(image: &str, started: Option<&Instance>) -> Option<String> {
    let (original, command_line) = started.map_or(("", ""), |started| {
        (&*started.original_name, &*started.command_line)
    });
    scanner(image, original, command_line)
}

/// What about a program, its OriginalFileName or its command line is a scanner's, in words.
pub(super) fn scanner(image: &str, original: &str, command_line: &str) -> Option<String> {
    let plain = |name: &str| {
        let name = name.trim().to_lowercase();
        name.strip_suffix(".exe").unwrap_or(&name).to_owned()
    };
    let (name, original) = (plain(image_name(image)), plain(original));
    if PROGRAMS.contains(&name.as_str()) {
        return Some(format!("a program called {name}"));
    }
    if PROGRAMS.contains(&original.as_str()) {
        return Some(format!(
            "a program whose file was made as {original} and is called {name}"
        ));
    }
    let command = command_line.to_lowercase();
    let squeezed: String = command.split_whitespace().collect();
    if let Some(part) = COMMANDS
        .iter()
        .find(|c| command.contains(**c) || squeezed.contains(**c))
    {
        return Some(format!("a command line with {part:?}"));
    }
    let words: Vec<&str> = words(&command).collect();
    let probe = words.iter().find(|word| PROBES.contains(word))?;
    repeats(&words, &command).then(|| format!("a command line that repeats {probe}"))
}

/// The words of a command line: programs without folder and `.exe`, what calls them without brackets.
fn words(command: &str) -> impl Iterator<Item = &str> {
    command
        .split(|c: char| c.is_whitespace() || "\"'`;|&(){}=,@".contains(c))
        .filter(|word| !word.is_empty())
        .map(|word| {
            // What begins with a slash is an option.
            let name = word.rsplit('\\').next().unwrap_or(word);
            name.strip_suffix(".exe").unwrap_or(name)
        })
}

/// True if a command line repeats what it does: a loop of cmd.exe, PowerShell or a shell, or a range.
fn repeats(words: &[&str], command: &str) -> bool {
    let after = |word: &str| {
        let mut places = words.iter().enumerate().filter(move |(_, w)| **w == word);
        places.find_map(|(at, _)| words.get(at + 1..))
    };
    let cmd = after("for")
        .and_then(|rest| rest.first())
        .is_some_and(|next| {
            next.starts_with('%')
                || next.starts_with('$')
                || matches!(*next, "/l" | "/f" | "/d" | "/r")
        });
    let shell = ["for", "while"]
        .iter()
        .any(|word| after(word).is_some_and(|rest| rest.contains(&"do")));
    let squeezed: String = command.split_whitespace().collect();
    let each = words.contains(&"foreach") || words.contains(&"foreach-object");
    cmd || shell || each || squeezed.contains("|%{") || is_range(&squeezed)
}

/// True for `1..254`.
fn is_range(text: &str) -> bool {
    text.match_indices("..").any(|(at, dots)| {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        digit(text[..at].chars().next_back()) && digit(text[at + dots.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanners_are_known_by_name_and_by_command() {
        for (image, command) in [
            (r"C:\Program Files\Nmap\nmap.exe", ""),
            (
                r"C:\x\powershell.exe",
                "1..254 | % { Test-Connection 10.0.0.$_ }",
            ),
            (r"C:\x\powershell.exe", "Invoke-Portscan -Hosts 10.0.0.0/24"),
            (
                r"C:\x\cmd.exe",
                "for /L %i in (1,1,254) do ping -n 1 10.0.0.%i",
            ),
            (
                r"C:\x\cmd.exe",
                "for /L %i in (1,1,254) do @ping -n 1 10.0.0.%i",
            ),
            (
                r"C:\x\cmd.exe",
                r"cmd /c for %i in (10,11) do @(C:\Windows\System32\PING.EXE 10.0.0.%i)",
            ),
            (
                r"C:\x\powershell.exe",
                "foreach($i in 1..9){tnc 10.0.0.$i -Port 445}",
            ),
            (
                r"C:\x\powershell.exe",
                "for ($i=1; $i -le 9; $i++) { ping 10.0.0.$i }",
            ),
            (
                r"C:\x\bash.exe",
                "for i in $(seq 9); do ping -c1 10.0.0.$i; done",
            ),
        ] {
            assert!(scanner(image, "", command).is_some(), "{image} {command}");
        }
        for (image, command) in [
            (r"C:\Windows\System32\PING.EXE", "ping 10.0.0.9"),
            (r"C:\x\powershell.exe", "Test-NetConnection dc01 -Port 445"),
            (r"C:\x\chrome.exe", "--type=renderer"),
            (
                r"C:\x\erp.exe",
                "erp.exe --module shipping --report-for sales --for 2026",
            ),
            (r"C:\x\erp.exe", "erp.exe /ping for sales -v 1.2..3"),
            (
                r"C:\x\erp.exe",
                r"erp.exe mapping for foreach-ping ..\log\ping.txt",
            ),
        ] {
            assert_eq!(scanner(image, "-", command), None, "{image} {command}");
        }
        let renamed = scanner(r"C:\Users\Public\svc.exe", "NMAP.exe", "").unwrap();
        assert!(
            renamed.contains("nmap") && renamed.contains("svc"),
            "{renamed}"
        );
    }
}
