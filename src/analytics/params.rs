//! Settings, declared once.
//!
//! One line gives a setting its name, type, default, range, meaning and source. From that line come
//! the field, the range check, the reader, `analytics show`, the documentation table and "settings
//! in force" in every report.

pub use super::about::{Profile, Setting};
use crate::model::Span;

/// The settings of an analytic. Made by [`settings!`](crate::settings).
pub trait Params: Default + Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Puts every setting to its value of that profile: the default where it has none of its own.
    fn profile(&mut self, profile: Profile);
    /// All settings with defaults and values in force, in the order declared.
    fn list(&self) -> Vec<Setting>;
    /// Sets one by name.
    ///
    /// # Errors
    /// If there is no such setting, or the value is not allowed.
    fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError>;
}

/// A setting was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting of that name.
    #[error("no setting called {name:?}; the nearest is {nearest}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        nearest: String,
    },
    /// The value cannot be used.
    #[error("{name} cannot be {value:?}: {why}; it takes {range}")]
    Value {
        /// The setting.
        name: &'static str,
        /// The value given.
        value: String,
        /// Why not.
        why: String,
        /// What is allowed.
        range: String,
    },
}

/// A type that settings can have.
pub trait SettingValue: Sized + Clone {
    /// The name of the type, for people.
    const KIND: &'static str;
    /// Reads what a person writes.
    ///
    /// # Errors
    /// Says why the text is not a value of this type.
    fn read(text: &str) -> Result<Self, String>;
    /// Writes it as a person would.
    fn show(&self) -> String;
}

impl SettingValue for Span {
    const KIND: &'static str = "duration";
    fn read(text: &str) -> Result<Self, String> {
        Span::parse(text).ok_or_else(|| "not a duration such as 25s, 500ms, 10m or 24h".to_owned())
    }
    fn show(&self) -> String {
        if self.0 % 1_000_000_000 == 0 {
            format!("{}s", self.0 / 1_000_000_000)
        } else if self.0 % 1_000_000 == 0 {
            format!("{}ms", self.0 / 1_000_000)
        } else {
            format!("{}ns", self.0)
        }
    }
}

impl SettingValue for u32 {
    const KIND: &'static str = "number";
    fn read(text: &str) -> Result<Self, String> {
        text.trim()
            .parse()
            .map_err(|_| "not a whole number".to_owned())
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for bool {
    const KIND: &'static str = "yes or no";
    fn read(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(true),
            "no" | "false" | "off" => Ok(false),
            _ => Err("not yes or no".to_owned()),
        }
    }
    fn show(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

impl SettingValue for Vec<u16> {
    const KIND: &'static str = "ports";
    fn read(text: &str) -> Result<Self, String> {
        list(text)
            .map(|p| {
                p.parse()
                    .map_err(|_| format!("{p:?} is not a port from 0 to 65535"))
            })
            .collect()
    }
    fn show(&self) -> String {
        self.iter()
            .map(u16::to_string)
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl SettingValue for Vec<String> {
    const KIND: &'static str = "names";
    fn read(text: &str) -> Result<Self, String> {
        Ok(list(text).map(str::to_owned).collect())
    }
    fn show(&self) -> String {
        self.join(",")
    }
}

/// A window of the day in UTC, to the minute, both ends included; it may pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayWindow {
    from: i64,
    to: i64,
}

impl DayWindow {
    /// Reads `22:00-23:30`, with or without a `Z` behind each time.
    pub fn parse(text: &str) -> Option<Self> {
        let minute = |t: &str| {
            let (hour, minute) = t.trim().trim_end_matches('Z').split_once(':')?;
            let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
            ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
        };
        let (from, to) = text.split_once('-')?;
        Some(Self {
            from: minute(from)?,
            to: minute(to)?,
        })
    }

    /// True if the time of day of `time` lies inside.
    pub fn holds(self, time: crate::model::Timestamp) -> bool {
        let minute = time.0.div_euclid(60_000_000_000).rem_euclid(24 * 60);
        if self.from <= self.to {
            (self.from..=self.to).contains(&minute)
        } else {
            minute >= self.from || minute <= self.to
        }
    }
}

impl SettingValue for Vec<DayWindow> {
    const KIND: &'static str = "windows of the day";
    fn read(text: &str) -> Result<Self, String> {
        list(text)
            .map(|w| {
                DayWindow::parse(w)
                    .ok_or_else(|| format!("{w:?} is not a window such as 22:00-23:30 (UTC)"))
            })
            .collect()
    }
    fn show(&self) -> String {
        let clock = |m: i64| format!("{:02}:{:02}", m / 60, m % 60);
        self.iter()
            .map(|w| format!("{}-{}", clock(w.from), clock(w.to)))
            .collect::<Vec<_>>()
            .join(",")
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.trim_start_matches('[')
        .trim_end_matches(']')
        .split(',')
        .map(|p| p.trim().trim_matches('"'))
        .filter(|p| !p.is_empty())
}

/// The name in `names` that is nearest to `name` by edit distance without case.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().take(64).collect();
    names.min_by_key(|candidate| {
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        let mut row: Vec<usize> = (0..=other.len()).collect();
        for (i, a) in wanted.iter().enumerate() {
            let mut previous = row[0];
            row[0] = i + 1;
            for (j, b) in other.iter().enumerate() {
                let swap = previous + usize::from(a != b);
                previous = row[j + 1];
                row[j + 1] = swap.min(previous + 1).min(row[j] + 1);
            }
        }
        row[other.len()]
    })
}

/// Declares the settings of an analytic.
///
/// ```
/// use casewire::analytics::params::{Params, Profile};
/// use casewire::model::Span;
/// casewire::settings! {
///     /// How the example decides.
///     pub struct ExampleSettings {
///         /// From the first touch to the connection.
///         "TimeWindow" window: Span = Span::seconds(60), in [Span::seconds(1), Span::seconds(86_400)],
///             profiles [Strict: Span::seconds(30)], from "AN0842";
///     }
/// }
/// let mut settings = ExampleSettings::default();
/// settings.set("TimeWindow", "90s").unwrap();
/// assert_eq!(settings.list()[0].value, "90s");
/// settings.profile(Profile::Strict);
/// assert_eq!(settings.list()[0].value, "30s");
/// assert!(settings.set("TimeWindow", "0s").is_err());
/// assert!(settings.set("TimeWindwo", "9s").unwrap_err().to_string().contains("TimeWindow"));
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $(
                #[doc = $meaning:literal]
                $label:literal $field:ident : $type:ty = $default:expr, $(in [$low:expr, $high:expr],)?
                $(profiles [$($profile:ident: $other:expr),+ $(,)?],)? from $source:literal;
            )*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $( #[doc = $meaning] pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::analytics::params::Params for $name {
            fn profile(&mut self, profile: $crate::analytics::params::Profile) {
                *self = Self::default();
                $( $( $(
                    if profile == $crate::analytics::params::Profile::$profile {
                        self.$field = $other;
                    }
                )+ )? )*
            }

            fn list(&self) -> Vec<$crate::analytics::params::Setting> {
                #[allow(unused_imports)]
                use $crate::analytics::params::{Profile, Setting, SettingValue, range_words};
                let default = Self::default();
                vec![ $( Setting {
                    name: $label,
                    kind: <$type as SettingValue>::KIND,
                    default: default.$field.show(),
                    profiles: vec![ $( $( {
                        let other: $type = $other;
                        (Profile::$profile, other.show())
                    } ),+ )? ],
                    value: self.$field.show(),
                    range: range_words::<$type>(&[$( $low, $high )?]),
                    meaning: $meaning.trim_ascii(),
                    source: $source,
                }, )* ]
            }

            fn set(&mut self, name: &str, value: &str) -> Result<(), $crate::analytics::params::SettingError> {
                use $crate::analytics::params::{accept, unknown};
                $(
                    if name.eq_ignore_ascii_case($label) {
                        self.$field = accept::<$type>($label, value, &[$( $low, $high )?])?;
                        return Ok(());
                    }
                )*
                Err(unknown(name, &[$( $label ),*]))
            }
        }
    };
}

/// What a setting takes, in words; `range` is empty or lowest and highest.
pub fn range_words<T: SettingValue>(range: &[T]) -> String {
    match range {
        [low, high] => format!("{} to {}", low.show(), high.show()),
        _ => format!("any {}", T::KIND),
    }
}

/// Reads a value and holds it against its range; `range` is empty or lowest and highest.
///
/// # Errors
/// If the text is no such value or out of range.
pub fn accept<T: SettingValue + PartialOrd>(
    name: &'static str,
    value: &str,
    range: &[T],
) -> Result<T, SettingError> {
    let refuse = |why: String| SettingError::Value {
        name,
        value: value.to_owned(),
        why,
        range: range_words(range),
    };
    let read = T::read(value).map_err(refuse)?;
    match range {
        [low, high] if read < *low || read > *high => Err(refuse("out of range".to_owned())),
        _ => Ok(read),
    }
}

/// The error for a name that is none of `names`.
pub fn unknown(name: &str, names: &[&'static str]) -> SettingError {
    SettingError::Unknown {
        name: name.to_owned(),
        nearest: nearest(name, names.iter().copied())
            .unwrap_or_default()
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_pass_midnight() {
        let at = |text: &str| crate::model::Timestamp::parse(text).unwrap();
        let window = DayWindow::parse("22:00-02:00").unwrap();
        assert!(window.holds(at("2026-03-01T23:10:00Z")));
        assert!(window.holds(at("2026-03-01T02:00:59Z")));
        assert!(!window.holds(at("2026-03-01T12:00:00Z")));
        assert!(<Vec<DayWindow>>::read("22:00-24:00").is_err());
        assert_eq!(
            <Vec<DayWindow>>::read("[\"22:00Z-23:00Z\"]")
                .unwrap()
                .show(),
            "22:00-23:00"
        );
    }
}
