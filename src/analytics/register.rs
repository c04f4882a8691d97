//! All analytics, behind one face.

use super::contract::Analytic;
use super::keyed::{Keyed, Runner, Shard};
use super::params::{Params, Setting, SettingError};
use super::{About, an0842, an1448};

/// An analytic with its settings in force, not yet running.
pub trait Entry: Send + Sync {
    /// What it says about itself.
    fn about(&self) -> &'static About;
    /// Settings with defaults and values in force.
    fn settings(&self) -> Vec<Setting>;
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

register!(an0842::PortKnock, an1448::Signalling);

/// The analytic with this id, without case.
pub fn find(id: &str) -> Option<Box<dyn Entry>> {
    all()
        .into_iter()
        .find(|e| e.about().id.eq_ignore_ascii_case(id))
}
