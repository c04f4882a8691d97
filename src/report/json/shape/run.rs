//! What made the report and what it was asked: tool, case, every setting in force.

use super::{AnalyticId, Sha256Text, Time, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What made the report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Tool {
    /// `casewire`.
    pub name: Word,
    /// Its version.
    pub version: String,
    /// The commit it was built from; empty where the build did not say.
    pub commit: String,
}

/// What the report was made for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CaseFile {
    /// Case number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Examiner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examiner: Option<String>,
}

/// What was asked of the run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Parameters {
    /// SHA-256 of everything that can change a result beside the evidence: every setting in force,
    /// the window, what was stated of hosts and network, the suppression rules.
    pub sha256: Sha256Text,
    /// SHA-256 of the settings file; null where none was given.
    pub config_sha256: Option<Sha256Text>,
    /// The profile that the settings start from.
    #[schemars(extend("enum" = ["default", "strict", "sensitive"]))]
    pub profile: Word,
    /// Always `UTC`.
    pub time_zone: Word,
    /// The window asked for.
    pub window: Window,
    /// The analytics that ran.
    pub analytics: Vec<AnalyticRun>,
    /// How clocks were treated.
    pub clock: ClockMode,
    /// Addresses that hosts were said to have had.
    pub hosts: Vec<HostAddress>,
    /// What was stated of the network.
    pub network: Network,
    /// Known scanners.
    pub scanners: Vec<String>,
    /// Baseline files that counted.
    pub baselines: Vec<BackgroundFile>,
    /// Lists of known hosts that counted.
    pub known_hosts: Vec<BackgroundFile>,
    /// When something was contained, as stated by the examiner.
    pub containments: Vec<Containment>,
}

/// A file beside the evidence that findings may rest on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BackgroundFile {
    /// As given.
    pub name: String,
    /// SHA-256.
    pub sha256: Sha256Text,
    /// UTC days a baseline rests on; empty for a list of hosts.
    pub days: Vec<String>,
}

/// What the settings file states of the network.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Network {
    /// Internal ranges; empty where none were stated.
    pub internal: Vec<String>,
    /// Segments, one network each.
    pub segments: Vec<Segment>,
    /// Roles of hosts.
    pub roles: Vec<HostRole>,
}

/// A network of a segment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Segment {
    /// Name of the segment.
    pub name: String,
    /// The network.
    pub network: String,
}

/// The role of a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HostRole {
    /// Name or address.
    pub host: String,
    /// The role.
    #[schemars(extend("enum" = ["workstation", "server", "domain-controller", "scanner", "monitoring"]))]
    pub role: Word,
}

/// A window of time; null is open.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Window {
    /// From this moment on.
    pub start: Option<Time>,
    /// Until this moment.
    pub end: Option<Time>,
}

/// One analytic that ran.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AnalyticRun {
    /// Its id.
    pub id: AnalyticId,
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Every setting in force, as text that `--set` reads.
    pub settings: BTreeMap<String, String>,
    /// The settings that were changed from their defaults.
    pub changed: Vec<String>,
}

/// How clocks were treated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ClockMode {
    /// `measured`: offsets were measured from the evidence and applied; `as-recorded`: none was;
    /// `given`: only those in `given` were.
    #[schemars(extend("enum" = ["as-recorded", "measured", "given"]))]
    pub mode: Word,
    /// Offsets that the examiner gave; they win over measured ones.
    pub given: Vec<GivenClock>,
    /// Clock error assumed where none could be measured, in nanoseconds.
    pub max_skew_ns: i64,
}

/// The offset of a host's clock, as given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GivenClock {
    /// The host.
    pub host: String,
    /// How far its clock is ahead, in nanoseconds.
    pub offset_ns: i64,
}

/// A containment as stated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Containment {
    /// When it took effect.
    pub time: String,
    /// The host it was for, as given; `null` for all.
    pub host: Option<String>,
}

/// An address a host was said to have had.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HostAddress {
    /// Its name.
    pub name: String,
    /// The address.
    pub address: String,
}
