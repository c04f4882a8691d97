//! What records mean: one table for each channel, from event id to a function that reads the record.
//!
//! A record that lacks what its event id promises is refused with the name of the field, never
//! filled with a default. Which side of a connection is local, and what belongs together, is for
//! the modules above.

pub mod firewall;
pub mod powershell;
pub mod security;
pub mod sysmon;
pub mod system;

use super::chunk::Select;
use super::record::{Record, Value};
use super::texts::Texts;
use crate::model::host_event::Process;
use crate::model::{Endpoint, HostWhat, Text, Timestamp, Transport};

/// Reads a wanted record.
pub type Reader = fn(&mut Fields<'_, '_>) -> Result<HostWhat, Missing>;

/// A field a record should have and has not, or not in a readable form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(pub &'static str);

/// Which moment is the event's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// System/TimeCreated.
    TimeCreated,
    /// Sysmon's UtcTime, which is the moment of the fact; TimeCreated is the moment of writing.
    UtcTime,
}

/// What the tables say of one event id.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Reads the record.
    pub read: Reader,
    /// Its time.
    pub clock: Clock,
}

impl Entry {
    /// An event whose time is TimeCreated.
    pub const fn written(read: Reader) -> Self {
        Self {
            read,
            clock: Clock::TimeCreated,
        }
    }

    /// An event whose time is UtcTime.
    pub const fn told(read: Reader) -> Self {
        Self {
            read,
            clock: Clock::UtcTime,
        }
    }
}

/// The entry for an event of this provider and channel, both compared without case.
pub fn entry(event_id: u32, provider: &str, channel: &str) -> Option<Entry> {
    let is = |name: &str| provider.eq_ignore_ascii_case(name);
    let on = |name: &str| channel.eq_ignore_ascii_case(name);
    if is(security::PROVIDER) {
        security::entry(event_id)
    } else if is(sysmon::PROVIDER) {
        sysmon::entry(event_id)
    } else if is(firewall::PROVIDER) {
        firewall::entry(event_id)
    } else if is(powershell::PROVIDER) || is(powershell::CORE_PROVIDER) {
        powershell::entry(event_id)
    } else if is(system::EVENT_LOG) {
        system::event_log_entry(event_id)
    } else if is(system::EVENT_LOG_CLASSIC) {
        system::event_log_classic_entry(event_id)
    } else if is(system::SERVICE_CONTROL) {
        system::service_control_entry(event_id)
    } else if is(system::KERNEL_GENERAL) {
        system::kernel_general_entry(event_id)
    } else if is(system::POWER) {
        system::power_entry(event_id)
    } else if !provider.is_empty() {
        None
    } else if on("Security") {
        // Some exports drop the provider.
        security::entry(event_id)
    } else if on(sysmon::CHANNEL) {
        sysmon::entry(event_id)
    } else if on(firewall::CHANNEL) {
        firewall::entry(event_id)
    } else if on(powershell::CHANNEL) {
        powershell::entry(event_id)
    } else {
        None
    }
}

/// Selects what the tables hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tables;

impl Select for Tables {
    fn id(&self, event_id: u32) -> bool {
        matches!(
            event_id,
            1 | 3..=8 | 11..=14 | 16 | 22 | 25 | 104 | 1100 | 1102 | 2002..=2011 | 2032 | 2033
                | 2052 | 2059 | 2060 | 2071..=2073 | 2082 | 2083 | 2097 | 2099 | 4103 | 4104
                | 4608 | 4616 | 4688 | 4689 | 4697 | 4719 | 4946..=4948 | 4950 | 4956 | 4957
                | 5152..=5159 | 5446 | 5447 | 6005 | 6006 | 7036 | 7040 | 7045
        )
    }

    fn source(&self, event_id: u32, provider: &str, channel: &str) -> bool {
        entry(event_id, provider, channel).is_some()
    }
}

/// A record's fields, asked for by the tables.
#[derive(Debug)]
pub struct Fields<'f, 'r> {
    /// The record.
    pub record: &'f Record<'r>,
    /// Where repeated text is shared.
    pub texts: &'f mut Texts,
}

impl<'r> Fields<'_, 'r> {
    /// The value of a field that is present and not empty.
    pub fn value(&self, name: &str) -> Option<&Value<'r>> {
        self.record
            .value(name)
            .filter(|v| !matches!(v, Value::Null))
    }

    /// Text that repeats, or the empty text where the field is absent.
    pub fn text(&mut self, name: &str) -> Text {
        let value = self.record.value(name).unwrap_or(&Value::Null);
        self.texts.share_value(value)
    }

    /// Text that repeats; the field must be present.
    pub fn needed_text(&mut self, name: &'static str) -> Result<Text, Missing> {
        match self.record.value(name) {
            Some(value) => Ok(self.texts.share_value(value)),
            None => Err(Missing(name)),
        }
    }

    /// Text that seldom repeats, such as a command line; empty where the field is absent.
    pub fn own_text(&self, name: &str) -> Text {
        self.record
            .value(name)
            .map_or_else(Text::default, |v| Text::from(v.text()))
    }

    /// A number; the field must be present and readable.
    pub fn needed_number(&self, name: &'static str) -> Result<u64, Missing> {
        self.record.unsigned(name).ok_or(Missing(name))
    }

    /// A process id, decimal or hexadecimal; `None` where it is absent or no process id.
    pub fn pid(&self, name: &str) -> Option<u32> {
        self.record
            .unsigned(name)
            .and_then(|n| u32::try_from(n).ok())
    }

    /// A moment; the field must be present and readable.
    pub fn needed_time(&self, name: &'static str) -> Result<Timestamp, Missing> {
        self.value(name).and_then(Value::time).ok_or(Missing(name))
    }

    /// A protocol by number or name.
    pub fn needed_transport(&self, name: &'static str) -> Result<Transport, Missing> {
        let value = self.value(name).ok_or(Missing(name))?;
        match value.unsigned() {
            Some(n) => u8::try_from(n).ok().map(Transport),
            None => super::normalise::words::transport(&value.text()),
        }
        .ok_or(Missing(name))
    }

    /// An address and a port. ICMP events keep type and code in the port fields, and other
    /// protocols nothing: their port is 0.
    pub fn needed_endpoint(
        &self,
        address: &'static str,
        port: &'static str,
        transport: Transport,
    ) -> Result<Endpoint, Missing> {
        let ip = self.record.address(address).ok_or(Missing(address))?;
        let number = match transport {
            Transport::TCP | Transport::UDP => self.record.port(port).ok_or(Missing(port))?,
            Transport::ICMP | Transport::ICMPV6 => 0,
            _ => self.record.port(port).unwrap_or(0),
        };
        Ok(Endpoint::new(ip, number))
    }

    /// A process: its id, its image, and Sysmon's ProcessGuid where there is one.
    pub fn process(&mut self, pid: &str, image: &str, guid: &str) -> Process {
        Process {
            pid: self.pid(pid),
            guid: self.value(guid).and_then(Value::guid),
            image: self.text(image),
        }
    }

    /// `DOMAIN\name`; the name alone where there is no domain; empty for `-` and where absent.
    pub fn account(&mut self, domain: &str, name: &str) -> Text {
        let word = |field: &str| {
            self.record
                .text(field)
                .filter(|t| t != "-")
                .map(|t| t.into_owned())
                .unwrap_or_default()
        };
        let (domain, name) = (word(domain), word(name));
        if name.is_empty() || domain.is_empty() {
            self.texts.share(&name)
        } else {
            self.texts.share(&format!(r"{domain}\{name}"))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::eventlog::record::Place;

    /// Reads a record of text fields through the tables.
    pub(crate) fn read(
        provider: &str,
        event_id: u32,
        fields: &[(&'static str, &'static str)],
    ) -> Result<HostWhat, Missing> {
        let record = Record {
            place: Place {
                offset: 0,
                record_id: 1,
                text: None,
            },
            event_id,
            channel: "Security".into(),
            provider: provider.to_owned().into(),
            computer: "WS01".into(),
            time: Some(Timestamp(0)),
            fields: fields
                .iter()
                .map(|(n, v)| ((*n).into(), Value::Text((*v).into())))
                .collect::<Vec<_>>()
                .into(),
        };
        let entry = entry(event_id, provider, "Security").expect("a table holds the event");
        (entry.read)(&mut Fields {
            record: &record,
            texts: &mut Texts::default(),
        })
    }

    #[test]
    fn the_gate_lets_through_exactly_what_a_table_holds() {
        let providers = [
            security::PROVIDER,
            sysmon::PROVIDER,
            firewall::PROVIDER,
            powershell::PROVIDER,
            system::EVENT_LOG,
            system::EVENT_LOG_CLASSIC,
            system::SERVICE_CONTROL,
            system::KERNEL_GENERAL,
            system::POWER,
        ];
        for event_id in 0..10_000 {
            let held = providers.iter().any(|p| entry(event_id, p, "").is_some());
            assert_eq!(Tables.id(event_id), held, "{event_id}");
        }
    }

    #[test]
    fn provider_and_channel_are_compared_without_case() {
        assert!(entry(5156, "MICROSOFT-windows-security-auditing", "security").is_some());
        assert!(entry(5156, "", "security").is_some());
        assert!(entry(5156, "Somebody else", "Security").is_none());
    }
}
