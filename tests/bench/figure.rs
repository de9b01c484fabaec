//! One figure, and the report of all of them.

use serde_json::{Value, json};

/// How a goal is meant.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// The value must not be above it.
    AtMost(f64),
    /// The value must not be below it.
    AtLeast(f64),
}

impl Goal {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(goal) => value <= goal,
            Self::AtLeast(goal) => value >= goal,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtMost(goal) => format!("≤ {goal}"),
            Self::AtLeast(goal) => format!("≥ {goal}"),
        }
    }
}

/// Prints figures as they come, or all at the end as JSON.
pub struct Report {
    names: Vec<String>,
    json: bool,
    figures: Vec<Value>,
    missed: usize,
}

impl Report {
    /// Of those whose name contains one of `names`; of all when there are none.
    pub fn new(names: Vec<String>, json: bool) -> Self {
        Self {
            names,
            json,
            figures: Vec::new(),
            missed: 0,
        }
    }

    /// Whether this one is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| name.contains(wanted.as_str()))
    }

    /// A measured figure; `beside` says what it was measured against and how.
    pub fn figure(&mut self, name: &str, goal: Goal, value: f64, unit: &str, beside: &str) {
        let holds = goal.holds(value);
        self.missed += usize::from(!holds);
        if !self.json {
            let mark = if holds { "✓" } else { "✗" };
            println!("{mark} {name}: {value:.3} {unit} (goal {}) · {beside}", goal.words());
        }
        self.figures.push(json!({
            "name": name, "goal": goal.words(), "value": value, "unit": unit, "holds": holds, "beside": beside,
        }));
    }

    /// A figure that could not be taken here, and why.
    pub fn skipped(&mut self, name: &str, why: &str) {
        if !self.json {
            println!("· {name}: not measured: {why}");
        }
        self.figures
            .push(json!({ "name": name, "value": null, "holds": null, "beside": why }));
    }

    /// Ends it.
    pub fn end(self) {
        if self.json {
            println!("{:#}", json!({ "version": 1, "figures": self.figures }));
        } else {
            println!("{} figures, {} missed", self.figures.len(), self.missed);
        }
    }
}

/// The value below which `share` of the values lie.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1;
    values[place]
}
