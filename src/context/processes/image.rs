//! Image paths and command lines as text.
//!
//! Windows writes one file as `C:\Windows\x.exe` in 4688, Sysmon and the firewall's log, and as
//! `\device\harddiskvolume2\windows\x.exe` in the filtering platform's events.

use crate::model::Text;

const DEVICE: &str = r"\device\harddiskvolume";

/// The last part of a path: its file name. `System` and `-` are their own.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// The number of the volume, and the path on it from its backslash on.
pub(super) fn volume(path: &str) -> Option<(u32, &str)> {
    let (head, rest) = path.split_at_checked(DEVICE.len())?;
    if !head.eq_ignore_ascii_case(DEVICE) {
        return None;
    }
    let (number, _) = rest.split_once('\\')?;
    let volume = number.parse().ok().filter(|_| !number.starts_with('+'))?;
    Some((volume, &rest[number.len()..]))
}

/// The drive letter, in upper case.
pub(super) fn drive(path: &str) -> Option<char> {
    match *path.as_bytes() {
        [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic() => {
            Some(char::from(letter.to_ascii_uppercase()))
        }
        _ => None,
    }
}

/// The path without volume or drive; other paths as they are.
pub(super) fn tail(path: &str) -> &str {
    match (volume(path), drive(path)) {
        (Some((_, rest)), _) => rest,
        (_, Some(_)) => &path[2..],
        _ => path,
    }
}

/// The service an `svchost` was started for: the word behind `-s`, beside `-k GROUP`.
pub fn service_of(image: &str, command_line: &str) -> Option<Text> {
    if !file_name(image).eq_ignore_ascii_case("svchost.exe") {
        return None;
    }
    let mut words = command_line.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("-s"))?;
    let service = words.next()?.trim_matches('"');
    (!service.is_empty() && !service.starts_with('-')).then(|| service.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_apart_in_either_spelling() {
        for (path, name, of_volume, of_drive, rest) in [
            (
                r"C:\Windows\x.exe",
                "x.exe",
                None,
                Some('C'),
                r"\Windows\x.exe",
            ),
            (
                r"\device\harddiskvolume2\windows\x.exe",
                "x.exe",
                Some(2),
                None,
                r"\windows\x.exe",
            ),
            (
                r"\Device\HarddiskVolume12\x.exe",
                "x.exe",
                Some(12),
                None,
                r"\x.exe",
            ),
            (
                r"\device\harddiskvolume\x",
                "x",
                None,
                None,
                r"\device\harddiskvolume\x",
            ),
            (
                r"\device\harddiskvolume99999999999\x",
                "x",
                None,
                None,
                r"\device\harddiskvolume99999999999\x",
            ),
            (
                r"\device\mup\srv\x.exe",
                "x.exe",
                None,
                None,
                r"\device\mup\srv\x.exe",
            ),
            ("System", "System", None, None, "System"),
            ("-", "-", None, None, "-"),
            ("", "", None, None, ""),
            ("ä:\\ß", "ß", None, None, "ä:\\ß"),
        ] {
            assert_eq!(file_name(path), name, "{path}");
            assert_eq!(volume(path).map(|v| v.0), of_volume, "{path}");
            assert_eq!(drive(path), of_drive, "{path}");
            assert_eq!(tail(path), rest, "{path}");
        }
    }

    #[test]
    fn only_an_svchost_runs_for_a_service() {
        let svchost = r"C:\Windows\System32\svchost.exe";
        for (image, line, service) in [
            (
                svchost,
                r"svchost.exe -k NetworkService -p -s Dnscache",
                Some("Dnscache"),
            ),
            (svchost, r"svchost.exe -k netsvcs -p", None),
            (svchost, r"svchost.exe -k netsvcs -s", None),
            (svchost, r"svchost.exe -s -k netsvcs", None),
            (r"C:\x.exe", r"x.exe -s Dnscache", None),
        ] {
            assert_eq!(service_of(image, line).as_deref(), service, "{line}");
        }
    }
}
