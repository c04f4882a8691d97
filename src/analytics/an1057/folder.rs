//! Where a program lies: who can put one there.

use crate::eventlog::normalise::image::image_key;

/// Who can put a program where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    /// Any user or anything a user runs, and nothing is installed there: temporary folders,
    /// downloads, profiles, ProgramData.
    Anyones,
    /// A user, as the usual place of programs that are installed for one user.
    OwnPrograms,
    /// Administrators, as the usual place of installed programs.
    Programs,
    /// The system's own folders, any other, or one that is not told.
    Other,
}

/// `Program Files` of either width, by the short names too that Windows gives them: only
/// administrators can make a folder beside them.
const PROGRAMS: [&str; 4] = [
    "\\program files\\",
    "\\program files (x86)\\",
    "\\progra~1\\",
    "\\progra~2\\",
];
/// Folders of a profile's `AppData\Local` that hold what is installed for one user: `Programs` is
/// FOLDERID_UserProgramFiles; Microsoft and Google keep Teams, OneDrive and Chrome beside it.
const OWN: [&str; 3] = ["programs\\", "microsoft\\", "google\\"];
const ANYONES: [&str; 8] = [
    "\\temp\\",
    "\\tmp\\",
    "\\users\\",
    "\\perflogs\\",
    "\\programdata\\",
    "\\downloads\\",
    "\\$recycle.bin\\",
    "\\windows\\tasks\\",
];

impl Folder {
    /// Of a program's image, in either spelling of its volume.
    pub fn of(image: &str) -> Self {
        let path = image_key(image).replace('/', "\\");
        if PROGRAMS.iter().any(|root| path.starts_with(root)) {
            Self::Programs
        } else if is_own(&path) {
            Self::OwnPrograms
        } else if ANYONES.iter().any(|part| path.contains(part)) {
            Self::Anyones
        } else {
            Self::Other
        }
    }
}

/// True for a program that is installed for one user.
fn is_own(path: &str) -> bool {
    let Some(local) = path
        .strip_prefix("\\users\\")
        .and_then(|rest| rest.split_once('\\'))
        .and_then(|(_, rest)| rest.strip_prefix("appdata\\local\\"))
    else {
        return false;
    };
    let inside = OWN.iter().find_map(|own| local.strip_prefix(own));
    // A folder of its own, not the program alone.
    inside.is_some_and(|rest| rest.contains('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_lies_where_those_who_can_write_there_put_it() {
        for (folder, images) in [
            (
                Folder::Programs,
                [
                    r"C:\Program Files\PDQ\scan.exe",
                    r"\device\harddiskvolume3\Program Files (x86)\A\b.exe",
                    r"C:\PROGRA~1\A\b.exe",
                ],
            ),
            (
                Folder::OwnPrograms,
                [
                    r"C:\Users\ann\AppData\Local\Programs\Sonos\Sonos.exe",
                    r"C:\Users\ann\AppData\Local\Microsoft\Teams\current\Teams.exe",
                    r"D:\Users\ann\AppData\Local\Google\Chrome\chrome.exe",
                ],
            ),
            (
                Folder::Anyones,
                [
                    r"C:\Users\ann\AppData\Local\Programs\scan.exe",
                    r"C:\Users\ann\Downloads\Program Files\scan.exe",
                    r"C:\Users\ann\AppData\Local\Temp\Programs\Sonos\Sonos.exe",
                ],
            ),
            (
                Folder::Other,
                [r"C:\Windows\System32\svchost.exe", "System", "scan.exe"],
            ),
        ] {
            for image in images {
                assert_eq!(Folder::of(image), folder, "{image}");
            }
        }
    }
}
