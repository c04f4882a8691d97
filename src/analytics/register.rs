//! All analytics, behind one face.

use super::contract::Analytic;
use super::keyed::{Keyed, Runner, Shard};
use super::params::{Params, Profile, Setting, SettingError};
use super::{About, an0842, an1057, an1376, an1448, xdr_fc};

/// An analytic with its settings in force, not yet running.
pub trait Entry: Send + Sync {
    /// What it says about itself.
    fn about(&self) -> &'static About;
    /// Settings with defaults and values in force.
    fn settings(&self) -> Vec<Setting>;
    /// Puts every setting to its value of that profile.
    fn profile(&mut self, profile: Profile);
    /// Changes a setting.
    ///
    /// # Errors
    /// If there is no such setting, or the value is not allowed.
    fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError>;
    /// Starts it on a part of the keys.
    fn start(&self, shard: Shard, budget: usize) -> Box<dyn Runner>;
}

struct Registered<A: Analytic> {
    params: A::Params,
}

impl<A: Analytic> Entry for Registered<A> {
    fn about(&self) -> &'static About {
        &const { A::ABOUT }
    }

    fn settings(&self) -> Vec<Setting> {
        self.params.list()
    }

    fn profile(&mut self, profile: Profile) {
        self.params.profile(profile);
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        self.params.set(name, value)
    }

    fn start(&self, shard: Shard, budget: usize) -> Box<dyn Runner> {
        Box::new(Keyed::new(A::new(self.params.clone()), shard, budget))
    }
}

macro_rules! register {
    ($($analytic:ty),* $(,)?) => {
        /// Every analytic with its default settings, in order of id.
        pub fn all() -> Vec<Box<dyn Entry>> {
            vec![$(Box::new(Registered::<$analytic> { params: Default::default() })),*]
        }
    };
}

register!(
    an0842::PortKnock,
    an1057::Enumeration,
    an1376::FallbackChannel,
    an1448::Signalling,
    xdr_fc::FailedConnections,
);

/// The analytic with this id, without case.
pub fn find(id: &str) -> Option<Box<dyn Entry>> {
    all()
        .into_iter()
        .find(|e| e.about().id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_shared_with_another_analytic() {
        for entry in all() {
            let about = entry.about();
            let other = about.same_chain.map(|chain| chain.with);
            let known = |id: &str| id != about.id && find(id).is_some();
            assert!(other.is_none_or(known), "{}: {other:?}", about.id);
        }
    }

    #[test]
    fn every_value_of_every_profile_is_allowed_and_differs_from_the_default() {
        for profile in Profile::ALL {
            for mut entry in all() {
                entry.profile(profile);
                let settings = entry.settings();
                assert_eq!(
                    settings.iter().any(Setting::changed),
                    profile != Profile::Default,
                    "{} {}",
                    entry.about().id,
                    profile.word()
                );
                for setting in settings {
                    entry.set(setting.name, &setting.value).unwrap();
                    let own = setting.profiles.iter().find(|(p, _)| *p == profile);
                    let wanted = own.map_or(&setting.default, |(_, value)| value);
                    assert_eq!(*wanted, setting.value, "{}", setting.name);
                    assert!(own.is_none() || setting.changed(), "{}", setting.name);
                }
            }
        }
    }
}
