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
    let looped = ["for ", "foreach", "|%", "| %", "1..", "for /l"]
        .iter()
        .any(|l| command.contains(l));
    let probes = [
        "test-netconnection",
        "tnc ",
        "test-connection",
        "ping ",
        "nslookup",
    ]
    .iter()
    .find(|p| command.contains(**p));
    match probes {
        Some(probe) if looped => Some(format!("a command line that repeats {}", probe.trim())),
        _ => None,
    }
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
        ] {
            assert!(scanner(image, "", command).is_some(), "{image} {command}");
        }
        for (image, command) in [
            (r"C:\Windows\System32\PING.EXE", "ping 10.0.0.9"),
            (r"C:\x\powershell.exe", "Test-NetConnection dc01 -Port 445"),
            (r"C:\x\chrome.exe", "--type=renderer"),
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
