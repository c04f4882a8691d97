//! What speaks for a failover of the program's own service, and what for an implant.
//!
//! Software falls back as implants do: its server is down, and it goes on to the next. The two
//! channels alone do not tell which it is. What does: who can have put the program where it lies,
//! whether somebody else speaks through it, and where the new channel goes. None of it excuses
//! anything; it says how severely a fallback may be told at most (`grade`).

use super::relation::{Relation, Route};
use super::speech::with_tls;
use super::state::State;
use super::unusual::Unusual;
use crate::analytics::kit::contact::contact_of;
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::drive;
use crate::model::finding::Severity;
use crate::model::{Event, Timestamp, Transport};

/// Folders to which only administrators write (Windows' default permissions), below the volume; the
/// short names of the first two beside them.
const GUARDED: &[&str] = &[
    "\\program files\\",
    "\\program files (x86)\\",
    "\\progra~1\\",
    "\\progra~2\\",
    "\\programdata\\microsoft\\windows defender\\platform\\",
    "\\windows\\",
];
/// Folders below `\windows` to which every user writes by default.
const OPEN: &[&str] = &[
    "\\windows\\debug\\wia\\",
    "\\windows\\registration\\crmlog\\",
    "\\windows\\system32\\com\\dmp\\",
    "\\windows\\system32\\fxstmp\\",
    "\\windows\\system32\\microsoft\\crypto\\rsa\\machinekeys\\",
    "\\windows\\system32\\spool\\drivers\\color\\",
    "\\windows\\system32\\spool\\printers\\",
    "\\windows\\system32\\spool\\servers\\",
    "\\windows\\system32\\tasks\\",
    "\\windows\\syswow64\\com\\dmp\\",
    "\\windows\\syswow64\\fxstmp\\",
    "\\windows\\syswow64\\tasks\\",
    "\\windows\\tasks\\",
    "\\windows\\temp\\",
    "\\windows\\tracing\\",
];
/// Folders of users, and those that every user may fill.
const USERS: &[&str] = &[
    "\\$recycle.bin\\",
    "\\perflogs\\",
    "\\programdata\\",
    "\\temp\\",
    "\\users\\",
];
/// Programs that run what others give them: scripts, libraries, drivers, services, commands. Where
/// such a program lies says nothing of what it does.
const CARRIERS: &[&str] = &[
    "autoit3.exe",
    "bitsadmin.exe",
    "certutil.exe",
    "cmd.exe",
    "cscript.exe",
    "curl.exe",
    "dllhost.exe",
    "explorer.exe",
    "hh.exe",
    "installutil.exe",
    "java.exe",
    "javaw.exe",
    "msbuild.exe",
    "mshta.exe",
    "msiexec.exe",
    "node.exe",
    "perl.exe",
    "php.exe",
    "plink.exe",
    "powershell.exe",
    "powershell_ise.exe",
    "pwsh.exe",
    "python.exe",
    "pythonw.exe",
    "regasm.exe",
    "regsvcs.exe",
    "regsvr32.exe",
    "ruby.exe",
    "rundll32.exe",
    "runtimebroker.exe",
    "spoolsv.exe",
    "ssh.exe",
    "svchost.exe",
    "taskhostw.exe",
    "w3wp.exe",
    "wmic.exe",
    "wmiprvse.exe",
    "wscript.exe",
    "wsl.exe",
];

/// Who can have put a program where it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Folder {
    /// Administrators and installers alone.
    Guarded,
    /// Its user.
    Users,
    /// Not known.
    #[default]
    Other,
}

/// The folder of a program, given without its volume and in lower case.
pub fn folder(program: &str) -> Folder {
    let under = |folders: &[&str]| folders.iter().any(|folder| program.starts_with(folder));
    // Beside `explorer.exe` lies what was copied over an administrative share, and little else.
    let in_windows_itself = program
        .strip_prefix("\\windows\\")
        .is_some_and(|rest| !rest.contains('\\'));
    if under(OPEN) {
        Folder::Users
    } else if under(GUARDED) && !in_windows_itself && !program.contains("\\..\\") {
        Folder::Guarded
    } else if under(USERS) {
        Folder::Users
    } else {
        Folder::Other
    }
}

/// True if a program does what its maker wrote, and lies where only administrators write.
pub fn is_settled(program: &str) -> bool {
    let name = program.rsplit('\\').next().unwrap_or_default();
    folder(program) == Folder::Guarded && !CARRIERS.contains(&name)
}

/// What is asked of a pair of channels.
pub struct Moved<'a> {
    /// The host.
    pub place: Place,
    /// The broken channel.
    pub old: (&'a Route, &'a Relation),
    /// The new one.
    pub new: (&'a Route, &'a Relation),
    /// When the new one was first used.
    pub at: Timestamp,
    /// How unusual it is.
    pub unusual: &'a Unusual,
}

/// What speaks for the one and for the other.
#[derive(Clone, Debug, Default)]
pub struct Failover {
    /// Where the program of the new channel lies.
    pub folder: Folder,
    /// It lies where only administrators write, and does what its maker wrote; so does the old one's.
    pub settled: bool,
    /// The new channel goes to the server or the name of the old one.
    pub stays: bool,
    /// It goes to the own network.
    pub inside: bool,
    /// The same service of Windows on the same server inside, with TLS instead of without it or the other
    /// way round.
    pub with_tls: bool,
    /// What speaks for an implant, in words.
    pub implant: Vec<String>,
}

impl Failover {
    /// Weighs a pair.
    pub fn of(moved: &Moved<'_>, state: &State, context: &Context) -> Self {
        let (route, new) = moved.new;
        let (before, old) = moved.old;
        let who = &route.who;
        // Another drive has other permissions.
        let elsewhere = drive_of(&new.first, moved.place, context)
            .is_some_and(|letter| !letter.eq_ignore_ascii_case(&'c'));
        let folder = match folder(&who.program) {
            Folder::Guarded if elsewhere => Folder::Other,
            folder => folder,
        };
        let mut implant = Vec::new();
        if folder == Folder::Users {
            implant.push("it lies where ordinary users can usually write".to_owned());
        }
        let image = state.images.of(who, moved.at);
        if image.is_some_and(|image| image.is_unsigned()) {
            implant.push("its file is not signed".to_owned());
        }
        if let Some(by) = state.written_by(who, moved.at) {
            implant.push(format!(
                "its file was written by {by}, which is no installer"
            ));
        }
        if let Some(by) = state.lineage.reached(who, moved.at, is_settled) {
            implant.push(format!("{} reached into it", by.file_name()));
        }
        if moved.unusual.mute {
            implant.push("it typically does not use the network".to_owned());
        }
        implant.extend(moved.unusual.usurped.clone());
        let same_name = old.name.is_some() && old.name == new.name;
        let same_server = old.addresses.iter().any(|a| new.addresses.contains(a));
        let inside = new.addresses.iter().all(|a| context.assets.is_internal(*a));
        let tcp = before.transport == Transport::TCP && route.transport == Transport::TCP;
        let ports = [before.port, route.port];
        Self {
            folder,
            with_tls: same_server && inside && tcp && with_tls(ports, [old.shape, new.shape]),
            settled: folder == Folder::Guarded
                && [&before.who, who]
                    .iter()
                    .all(|who| is_settled(&who.program)),
            stays: before.peer == route.peer || same_name || same_server,
            inside,
            implant,
        }
    }

    /// How severely a fallback may be told at most, and why; `None` if nothing holds it.
    pub fn at_most(&self) -> Option<(Severity, String)> {
        // Where the program lies says nothing against it where it asks its own directory.
        let by_folder = usize::from(self.folder == Folder::Users);
        if self.with_tls && self.implant.len() <= by_folder {
            let why =
                "the same service of Windows on the same server inside, with TLS or without it";
            return Some((Severity::Low, why.to_owned()));
        }
        if !self.implant.is_empty() {
            return None;
        }
        let goes = match (self.stays, self.inside) {
            (true, _) => Some("the new channel goes to the same server or name"),
            (false, true) => Some("the new server is inside"),
            (false, false) => None,
        };
        const LIES: &str = "the program lies where only administrators write";
        const SO: &str = "as in a failover of its own service";
        match (self.settled, goes) {
            (true, Some(goes)) => Some((Severity::Low, format!("{LIES}, and {goes}, {SO}"))),
            (true, None) => Some((
                Severity::Medium,
                format!("{LIES}: it can be a failover of its own service"),
            )),
            (false, Some(goes)) if self.stays => Some((Severity::Medium, format!("{goes}, {SO}"))),
            (false, _) => None,
        }
    }
}

/// The drive of the program that made a contact, where the evidence tells it.
fn drive_of(first: &Event, place: Place, context: &Context) -> Option<char> {
    let contact = contact_of(first, context)?;
    let image = contact.image();
    drive(image).or_else(|| match place {
        Place::Host(host) => drive(&context.processes.drive_path(host, image)?),
        Place::Address(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_administrators_write_to_program_files_and_below_windows() {
        for (program, expected) in [
            ("\\program files\\sync\\sync.exe", Folder::Guarded),
            ("\\program files (x86)\\sync\\sync.exe", Folder::Guarded),
            ("\\progra~1\\sync\\sync.exe", Folder::Guarded),
            ("\\windows\\system32\\spoolsv.exe", Folder::Guarded),
            ("\\windows\\ccm\\ccmexec.exe", Folder::Guarded),
            ("\\windows\\svc64.exe", Folder::Other),
            ("\\windows\\temp\\svc64.exe", Folder::Users),
            (
                "\\windows\\system32\\spool\\drivers\\color\\x.exe",
                Folder::Users,
            ),
            ("\\program files\\..\\users\\x.exe", Folder::Other),
            ("\\programdata\\x\\x.exe", Folder::Users),
            (
                "\\programdata\\microsoft\\windows defender\\platform\\4.18\\msmpeng.exe",
                Folder::Guarded,
            ),
            ("\\users\\pat\\program files\\x.exe", Folder::Users),
            ("\\apps\\agent.exe", Folder::Other),
            ("vpn.exe", Folder::Other),
            ("", Folder::Other),
        ] {
            assert_eq!(folder(program), expected, "{program}");
        }
    }

    #[test]
    fn a_program_that_runs_what_others_give_it_is_not_settled() {
        assert!(is_settled("\\program files\\sync\\sync.exe"));
        assert!(!is_settled("\\program files\\python312\\python.exe"));
        assert!(!is_settled("\\windows\\system32\\svchost.exe"));
    }

    #[test]
    fn one_ground_holds_at_medium_two_at_low_and_a_sign_of_an_implant_undoes_both() {
        let most = |settled, stays, inside, implant: &[&str]| {
            Failover {
                settled,
                stays,
                inside,
                implant: implant.iter().map(|s| (*s).to_owned()).collect(),
                ..Failover::default()
            }
            .at_most()
            .map(|(severity, _)| severity)
        };
        assert_eq!(most(true, true, false, &[]), Some(Severity::Low));
        assert_eq!(most(true, false, true, &[]), Some(Severity::Low));
        assert_eq!(most(true, false, false, &[]), Some(Severity::Medium));
        assert_eq!(most(false, true, true, &[]), Some(Severity::Medium));
        assert_eq!(most(false, false, true, &[]), None);
        assert_eq!(most(false, false, false, &[]), None);
        assert_eq!(most(true, true, true, &["its file is not signed"]), None);
    }
}
