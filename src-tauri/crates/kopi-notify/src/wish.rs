//! What a click on a notice or in the tray asks for. The face that hosts them turns it into acts, since only it has a
//! clock and a core to ask for a plan.
//!
//! Refuses: doing it.

use jiff::{Timestamp, ToSpan};
use kopi_model::wire::Act;
use kopi_model::{ItemId, Order, Verb};

/// What a person wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Bring the window up on this item; none: just bring it up.
    Show {
        /// Which.
        item: Option<ItemId>,
        /// With its log.
        log: bool,
    },
    /// Do this: planned first, asked for in the window when it is costly.
    Do {
        /// To what.
        target: ItemId,
        /// Which verb.
        verb: Verb,
    },
    /// No notices of this repository or service for an hour.
    MuteOneHour(String),
    /// Notices of it again.
    Unmute(String),
    /// Only what waits for me and production incidents, for an hour.
    FocusOneHour,
    /// Focus off.
    FocusOff,
    /// End the core and every face.
    Quit,
}

/// What to send to the core for a wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Does {
    /// As it is.
    Act(Act),
    /// Plan it; run it when reversible, else bring the window up on it.
    Order(Order),
}

impl Wish {
    /// The wish as the core takes it.
    pub fn at(self, now: Timestamp) -> Does {
        let in_an_hour = now.checked_add(1.hour()).ok();
        Does::Act(match self {
            Self::Show { item, log } => Act::Show { item, log },
            Self::Do { target, verb } => {
                return Does::Order(Order {
                    target,
                    verb,
                    tag: None,
                    scale: None,
                    environment: None,
                    strategy: None,
                    based_on: None,
                });
            }
            Self::MuteOneHour(subject) => Act::Mute {
                subject,
                until: in_an_hour,
            },
            Self::Unmute(subject) => Act::Mute { subject, until: None },
            Self::FocusOneHour => Act::Focus { until: in_an_hour },
            Self::FocusOff => Act::Focus { until: None },
            Self::Quit => Act::Quit,
        })
    }
}
