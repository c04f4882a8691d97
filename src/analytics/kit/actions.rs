//! What to do with a finding of touches and a door, with the names and ports that it knows.

use crate::eventlog::normalise::image::image_name;
use crate::model::finding::{Entities, Role, Step};
use crate::model::{HostWhat, What};

/// Ports of a sequence that are named.
const PORTS: usize = 8;

/// Whom to ask, what to acquire, and where to look for the same. `called_back`: what the process at the centre
/// did, where it is the one that reached for the source.
pub fn of_sequence(who: &Entities, steps: &[Step], called_back: Option<&str>) -> Vec<String> {
    let host = match (who.host_name.is_empty(), who.host_address) {
        (false, _) => who.host_name.to_string(),
        (true, Some(address)) => address.to_string(),
        (true, None) => "the host".to_owned(),
    };
    let source = who
        .remote
        .map_or_else(|| "the source".to_owned(), |a| a.to_string());
    let changed = steps.iter().any(|step| step.role == Role::Change);
    let asked = match changed {
        true => format!("{source} and the change are"),
        false => format!("{source} is"),
    };
    let ports: Vec<String> = who
        .probed_ports
        .iter()
        .take(PORTS)
        .map(u16::to_string)
        .collect();
    let more = if who.probed_ports.len() > PORTS {
        " and so on"
    } else {
        ""
    };
    vec![
        format!(
            "ask the owner of {host} whether {asked} authorised, and look for an approved change"
        ),
        program(who, steps, (changed, called_back)),
        format!(
            "search other hosts for touches of {}{more} by one source",
            ports.join(", ")
        ),
    ]
}

/// What to do about the program at the centre: who holds the port or called back (its process id is known), or
/// else who changed the firewall.
fn program(who: &Entities, steps: &[Step], (changed, called_back): (bool, Option<&str>)) -> String {
    let name = image_name(&who.process);
    let did = match (called_back, who.opened_ports.first()) {
        (Some(did), _) => did.to_owned(),
        (None, Some(port)) => format!("listens on port {port}"),
        (None, None) => "listens behind it".to_owned(),
    };
    let start = match steps.iter().any(|step| starts(step, who.pid)) {
        true => "look at what started it (in the sequence)",
        false => "find what started it",
    };
    match (name.is_empty(), who.pid, changed) {
        (false, Some(pid), _) => format!("acquire {name} ({pid}), which {did}, and {start}"),
        (false, None, _) => {
            format!("find what had {name} change the firewall, and acquire what {did}")
        }
        (true, _, true) => format!(
            "find the program that {did} or changed the firewall (no record names it), and acquire it"
        ),
        (true, _, false) => {
            format!("find the program that {did} (no record names it), and acquire it")
        }
    }
}

fn starts(step: &Step, pid: Option<u32>) -> bool {
    let What::Host(host) = &step.event.what else {
        return false;
    };
    matches!(&host.what, HostWhat::ProcessStarted { process, .. } if process.pid == pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_named_by_what_it_did() {
        let mut who = Entities {
            opened_ports: vec![4444],
            process: r"C:\Windows\System32\netsh.exe".into(),
            ..Entities::default()
        };
        assert_eq!(
            program(&who, &[], (true, None)),
            "find what had netsh.exe change the firewall, and acquire what listens on port 4444"
        );
        who.pid = Some(2816);
        assert_eq!(
            program(&who, &[], (true, None)),
            "acquire netsh.exe (2816), which listens on port 4444, and find what started it"
        );
        who.process = "".into();
        who.opened_ports.clear();
        assert_eq!(
            program(&who, &[], (false, None)),
            "find the program that listens behind it (no record names it), and acquire it"
        );
    }
}
