//! The System channel, and the event log's own events: services, starts and stops, clock changes,
//! cleared logs.

use super::{Entry, Fields, Missing};
use crate::eventlog::normalise::words;
use crate::model::HostWhat;

/// Writes when a log is cleared: 1102 for the Security log, 104 for any other.
pub const EVENT_LOG: &str = "Microsoft-Windows-Eventlog";
/// The same service under the name it had before Windows Vista, which it still uses for its own
/// start and end in the System log.
pub const EVENT_LOG_CLASSIC: &str = "EventLog";
/// Writes about services.
pub const SERVICE_CONTROL: &str = "Service Control Manager";
/// Writes about starts, stops and the clock.
pub const KERNEL_GENERAL: &str = "Microsoft-Windows-Kernel-General";
/// Writes when a system is back from sleep.
pub const POWER: &str = "Microsoft-Windows-Power-Troubleshooter";

/// The event log service.
pub fn event_log_entry(event_id: u32) -> Option<Entry> {
    Some(Entry::written(match event_id {
        1100 => |_| Ok(HostWhat::LoggingStopped),
        1102 => security_log_cleared,
        104 => |f| {
            Ok(HostWhat::LogCleared {
                cleared: f.text("Channel"),
                user: f.account("SubjectDomainName", "SubjectUserName"),
            })
        },
        _ => return None,
    }))
}

/// The event log service in the System log: 6005 at its start, 6006 at its end.
pub fn event_log_classic_entry(event_id: u32) -> Option<Entry> {
    Some(Entry::written(match event_id {
        6005 => |_| Ok(HostWhat::LoggingStarted),
        6006 => |_| Ok(HostWhat::LoggingStopped),
        _ => return None,
    }))
}

/// The service control manager.
pub fn service_control_entry(event_id: u32) -> Option<Entry> {
    Some(Entry::written(match event_id {
        7036 => |f| {
            let state = f.record.text("param2").ok_or(Missing("param2"))?;
            let state = words::service_state(&state);
            Ok(HostWhat::ServiceStateChanged {
                name: f.needed_text("param1")?,
                state,
            })
        },
        // From param2 to param3; param4 is the service's short name.
        7040 => |f| {
            Ok(HostWhat::ServiceStartChanged {
                name: f.needed_text("param1")?,
                start: f.needed_text("param3")?,
            })
        },
        7045 => |f| {
            Ok(HostWhat::ServiceInstalled {
                name: f.needed_text("ServiceName")?,
                image: f.needed_text("ImagePath")?,
                account: f.text("AccountName"),
            })
        },
        _ => return None,
    }))
}

/// The kernel.
pub fn kernel_general_entry(event_id: u32) -> Option<Entry> {
    Some(Entry::written(match event_id {
        1 => |f| {
            Ok(HostWhat::ClockChanged {
                from: f.needed_time("OldTime")?,
                to: f.needed_time("NewTime")?,
                process: f.text("ProcessName"),
            })
        },
        12 => |_| Ok(HostWhat::SystemStarted),
        13 => |_| Ok(HostWhat::SystemStopped),
        _ => return None,
    }))
}

/// The power troubleshooter.
pub fn power_entry(event_id: u32) -> Option<Entry> {
    (event_id == 1).then(|| {
        Entry::written(|f| {
            let time = |f: &Fields<'_, '_>, name| f.needed_time(name).ok();
            let (slept, woke) = (time(f, "SleepTime"), time(f, "WakeTime"));
            let kind = f.value("WakeSourceType").map(|v| v.text().into_owned());
            let text = f.text("WakeSourceText");
            // What the numbers stand for differs between versions: they are told as they are.
            let source = match (kind, text.trim()) {
                (Some(kind), "") => format!("type {kind}"),
                (Some(kind), text) => format!("type {kind}, {text}"),
                (None, text) => text.to_owned(),
            };
            Ok(HostWhat::SystemResumed {
                slept,
                woke,
                source: f.texts.share(&source),
            })
        })
    })
}

/// 1102. The cleared log is the Security log by definition of the event.
pub(super) fn security_log_cleared(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    Ok(HostWhat::LogCleared {
        cleared: f.texts.share("Security"),
        user: f.account("SubjectDomainName", "SubjectUserName"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;
    use crate::model::host_event::ServiceState;

    #[test]
    fn a_service_start_type_is_the_new_one() {
        let what = read(
            SERVICE_CONTROL,
            7040,
            &[
                ("param1", "BITS"),
                ("param2", "demand start"),
                ("param3", "auto start"),
            ],
        );
        assert!(
            matches!(what, Ok(HostWhat::ServiceStartChanged { start, .. }) if &*start == "auto start")
        );
    }

    #[test]
    fn a_state_in_an_unknown_language_is_unknown() {
        for (word, expected) in [
            ("running", ServiceState::Running),
            ("stopped", ServiceState::Stopped),
            ("停止", ServiceState::Unknown),
        ] {
            let what = read(
                SERVICE_CONTROL,
                7036,
                &[("param1", "Npcap"), ("param2", word)],
            );
            assert!(
                matches!(what, Ok(HostWhat::ServiceStateChanged { state, .. }) if state == expected)
            );
        }
    }

    #[test]
    fn a_cleared_log_is_named() {
        let who = [
            ("SubjectUserName", "tony"),
            ("SubjectDomainName", "WS01"),
            ("Channel", "System"),
        ];
        let what = read(EVENT_LOG, 104, &who).unwrap();
        assert!(
            matches!(&what, HostWhat::LogCleared { cleared, user } if &**cleared == "System" && &**user == r"WS01\tony")
        );
        let what = read(EVENT_LOG, 1102, &who).unwrap();
        assert!(matches!(&what, HostWhat::LogCleared { cleared, .. } if &**cleared == "Security"));
    }
}
