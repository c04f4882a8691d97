//! Image paths: the same program as an NT path and as a drive path.
//!
//! WFP events write `\device\harddiskvolume2\windows\system32\svchost.exe`, process events
//! `C:\Windows\System32\svchost.exe`. Which volume is which drive is not known here, so the key
//! leaves both out: two programs at the same place of two drives share a key.

/// The key by which two spellings of a path are compared: volume or drive cut off, lower case.
/// `System`, `-` and anything else without a volume stay themselves in lower case.
pub fn image_key(path: &str) -> String {
    without_volume(path.trim()).to_lowercase()
}

/// The file name of a path, as written: `svchost.exe`.
pub fn image_name(path: &str) -> &str {
    let path = path.trim();
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// The program of a command line or of a service's image path, without its arguments: what the first
/// quotes hold, else up to the first word that ends in `.exe` or `.sys` (a path without quotes may
/// hold spaces), else the first word.
pub fn program(command: &str) -> &str {
    let command = command.trim();
    if let Some(rest) = command.strip_prefix('"') {
        return rest.split('"').next().unwrap_or(rest);
    }
    let spaces = command.match_indices(char::is_whitespace);
    let ends = spaces.map(|(at, _)| at).chain([command.len()]);
    let heads: Vec<&str> = ends.take(HEADS).map(|at| &command[..at]).collect();
    let runs = |head: &&&str| {
        let end = head.len().checked_sub(4).and_then(|at| head.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(".exe") || end.eq_ignore_ascii_case(".sys"))
    };
    let named = heads.iter().find(runs).or(heads.first());
    named.copied().unwrap_or(command)
}

/// Spaces that the path of a program may have.
const HEADS: usize = 64;

const DEVICE: &str = r"\device\harddiskvolume";

/// The number of the volume, and the path on it from its backslash on.
pub fn volume(path: &str) -> Option<(u32, &str)> {
    let (head, rest) = path.split_at_checked(DEVICE.len())?;
    if !head.eq_ignore_ascii_case(DEVICE) {
        return None;
    }
    let (number, _) = rest.split_once('\\')?;
    let volume = number.parse().ok().filter(|_| !number.starts_with('+'))?;
    Some((volume, &rest[number.len()..]))
}

/// The drive letter, in upper case.
pub fn drive(path: &str) -> Option<char> {
    match *path.as_bytes() {
        [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic() => {
            Some(char::from(letter.to_ascii_uppercase()))
        }
        _ => None,
    }
}

fn without_volume(path: &str) -> &str {
    let path = path
        .strip_prefix(r"\\?\")
        .or_else(|| path.strip_prefix(r"\??\"))
        .unwrap_or(path);
    match (volume(path), drive(path)) {
        (Some((_, rest)), _) => rest,
        (_, Some(_)) => &path[2..],
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nt_and_drive_paths_of_one_file_have_one_key() {
        let key = r"\windows\system32\svchost.exe";
        for path in [
            r"C:\Windows\System32\svchost.exe",
            r"\device\harddiskvolume2\windows\system32\svchost.exe",
            r"\Device\HarddiskVolume12\Windows\System32\svchost.exe",
            r"\\?\C:\Windows\System32\svchost.exe",
            r"\??\C:\Windows\System32\svchost.exe",
        ] {
            assert_eq!(image_key(path), key, "{path}");
        }
    }

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
            assert_eq!(image_name(path), name, "{path}");
            assert_eq!(volume(path).map(|v| v.0), of_volume, "{path}");
            assert_eq!(drive(path), of_drive, "{path}");
            assert_eq!(image_key(path), rest.to_lowercase(), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_stays_itself() {
        for (path, key) in [
            ("System", "system"),
            ("-", "-"),
            ("", ""),
            (
                r"\device\harddiskvolumeX\a.exe",
                r"\device\harddiskvolumex\a.exe",
            ),
            (
                r"\device\mup\server\share\a.exe",
                r"\device\mup\server\share\a.exe",
            ),
            ("Ä:", "ä:"),
        ] {
            assert_eq!(image_key(path), key, "{path}");
        }
    }

    #[test]
    fn the_program_of_a_command_is_not_among_its_arguments() {
        for (command, path) in [
            (r"C:\Tools\agent.exe -k run", r"C:\Tools\agent.exe"),
            (
                r"C:\Program Files\A B\agent.EXE -c C:\x\y.exe",
                r"C:\Program Files\A B\agent.EXE",
            ),
            (r#""C:\a b\x y" C:\z.exe"#, r"C:\a b\x y"),
            (r"system32\drivers\npcap.sys", r"system32\drivers\npcap.sys"),
            (r"cmd /c C:\x.bat", "cmd"),
            ("", ""),
            ("\u{e4}.ex\u{e9} x", "\u{e4}.ex\u{e9}"),
        ] {
            assert_eq!(program(command), path, "{command}");
        }
    }

    #[test]
    fn the_name_is_what_follows_the_last_separator() {
        for (path, name) in [
            (r"C:\Windows\System32\svchost.exe", "svchost.exe"),
            ("C:/tools/nmap.exe", "nmap.exe"),
            ("System", "System"),
            (r"C:\dir\", ""),
        ] {
            assert_eq!(image_name(path), name, "{path}");
        }
    }
}
