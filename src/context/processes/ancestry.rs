//! Who started a process: its parent, and the program that a chain of processes goes back to.
//!
//! A parent is joined by Sysmon's ParentProcessGuid, else by the creator's process id as of the
//! child's start. Where no record of the parent is left, the chain ends and says so; what the
//! child's own record names of it is kept.

use super::{Instance, Processes};
use crate::context::identity::HostId;
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::Text;

/// Parents that are walked at most: no sane chain is longer.
const LONGEST: usize = 64;

/// Programs of Windows that start what others ask for: a chain of causes ends below them.
const LAUNCHERS: [&str; 11] = [
    "services.exe",
    "svchost.exe",
    "explorer.exe",
    "wininit.exe",
    "winlogon.exe",
    "userinit.exe",
    "taskeng.exe",
    "taskhostw.exe",
    "wmiprvse.exe",
    "wsmprovhost.exe",
    "sshd.exe",
];

/// The program that a chain of processes goes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CausalityOwner<'a> {
    /// Its image, as logged.
    pub image: &'a Text,
    /// Its process, where its start was logged.
    pub instance: Option<&'a Instance>,
    /// False if the chain could not be followed to a launcher of Windows: something above may be
    /// the real cause.
    pub complete: bool,
    /// How many steps above the process it is.
    pub steps: usize,
}

/// True for a launcher where Windows has it; a program of that name elsewhere is none.
fn launches(image: &str) -> bool {
    let name = image_name(image).to_lowercase();
    let path = image_key(image);
    let at_home = path == name || path.starts_with("\\windows\\");
    let ssh = name == "sshd.exe" && path.contains("\\openssh");
    LAUNCHERS.contains(&name.as_str()) && (at_home || ssh)
}

impl Processes {
    /// The process that started `instance`, where its own start or end was logged.
    pub fn parent(&self, host: HostId, instance: &Instance) -> Option<&Instance> {
        let parent = &instance.parent;
        if let Some(guid) = &parent.guid
            && let Some(found) = self.with_guid(host, guid)
        {
            return Some(found);
        }
        let (pid, started) = (parent.pid?, instance.started?);
        let found = if parent.image.is_empty() {
            self.running(host, pid, started)
        } else {
            self.instance_at(host, pid, started, &parent.image)
        };
        // Nothing starts itself, and a parent is there first.
        found.filter(|found| found.from <= started && *found != instance)
    }

    /// The last process below the launchers of Windows on the way up from `instance`, itself
    /// included.
    pub fn causality_owner<'a>(
        &'a self,
        host: HostId,
        instance: &'a Instance,
    ) -> CausalityOwner<'a> {
        let mut below = instance;
        for steps in 0..LONGEST {
            let parent = self.parent(host, below);
            let named = parent.map_or(&below.parent.image, |parent| &parent.image);
            let owner = |complete| CausalityOwner {
                image: &below.image,
                instance: Some(below),
                complete,
                steps,
            };
            match parent {
                _ if launches(named) => return owner(true),
                Some(parent) => below = parent,
                None if named.is_empty() || &**named == "-" => return owner(false),
                // Only the child's record tells of it; who started it is not known.
                None => {
                    return CausalityOwner {
                        image: named,
                        instance: None,
                        complete: false,
                        steps: steps + 1,
                    };
                }
            }
        }
        CausalityOwner {
            image: &below.image,
            instance: Some(below),
            complete: false,
            steps: LONGEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_counts_only_where_windows_has_it() {
        for (image, is) in [
            (r"C:\Windows\System32\services.exe", true),
            (r"\device\harddiskvolume3\windows\explorer.exe", true),
            (r"C:\Windows\System32\wbem\WmiPrvSE.exe", true),
            (r"C:\Program Files\OpenSSH\sshd.exe", true),
            ("services.exe", true),
            (r"C:\Users\Public\services.exe", false),
            (r"C:\Windows\System32\cmd.exe", false),
            ("", false),
        ] {
            assert_eq!(launches(image), is, "{image}");
        }
    }
}
