//! The loop: events in a queue on the one clock, acted out on the fakes at their own time; orders and what people do
//! through the servers in between. Same seed, speed and orders: same day.
//!
//! Refuses: the machine's time and chance.

mod builds;
mod deploys;
mod incidents;
mod people;
mod reactions;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::SignedDuration;
use kopi_sources::drone::fake::FakeDrone;
use kopi_sources::rancher::fake::FakeCattle;

use crate::chance::Chance;
use crate::ledger::{BuildKey, Ledger};
use crate::plot::{self, PlotEntry, PlotLine};
use crate::seed::Places;
use crate::stage::Stage;
use crate::world::World;

pub use people::{Pushed, Wanted};

/// Builds that run at a time.
pub const AGENTS: [&str; 2] = ["drone-agent-03", "drone-agent-01"];

/// Something that will happen.
#[derive(Clone, Debug, PartialEq)]
enum Happening {
    /// An entry of the plot, by its name.
    Plot(&'static str),
    /// Somebody pushes, by the laws.
    Pushes(&'static str),
    /// They mend what they broke.
    Mends {
        repo: String,
        branch: String,
        pull: Option<u32>,
        author: &'static str,
    },
    /// A step prints its next lines.
    Says { build: BuildKey, pid: u64 },
    /// A step ends.
    StepEnds { build: BuildKey, pid: u64, code: i64 },
    /// A deploy step asks how the upgrade goes.
    Asks { build: BuildKey, pid: u64 },
    /// A cancelled build's agent answers.
    Killed { build: BuildKey },
    /// A host is back.
    HostBack {
        environment: &'static str,
        host: &'static str,
    },
    /// A server answers again.
    ServerBack { server: &'static str },
    /// A container of an image that runs out of memory says so.
    MemoryGone { image: String },
    /// Some container stops by chance.
    Crashes,
    /// Hosts report their load.
    Loads,
}

/// Faults of servers that the plot orders: by the server's word, on or off.
pub type ServerFault = Box<dyn Fn(&str, bool) -> bool + Send>;

/// The running office.
pub struct Run {
    world: World,
    chance: Chance,
    stage: Stage,
    drone: FakeDrone,
    cattle: FakeCattle,
    places: Places,
    ledger: Ledger,
    queue: BTreeMap<(SignedDuration, u64), Happening>,
    sequence: u64,
    jobs: HashMap<BuildKey, builds::Job>,
    agents: [Option<BuildKey>; AGENTS.len()],
    waiting: VecDeque<BuildKey>,
    plot: Vec<PlotEntry>,
    plot_done: BTreeSet<&'static str>,
    versions: BTreeMap<String, u32>,
    pushes: u64,
    /// Images of ours that the registry has.
    pushed: BTreeSet<String>,
    /// Images of ours that were asked for and that it has not.
    missing: BTreeSet<String>,
    /// Commits whose tests print so many lines.
    long_logs: BTreeMap<(String, String), usize>,
    server_fault: ServerFault,
}

impl Run {
    /// A run whose servers are seeded; the plot is in the queue.
    pub fn new(
        world: World,
        chance: Chance,
        stage: Stage,
        servers: (FakeDrone, FakeCattle),
        places: Places,
        ledger: Ledger,
        server_fault: ServerFault,
    ) -> Self {
        let mut run = Self {
            world,
            chance,
            stage,
            drone: servers.0,
            cattle: servers.1,
            places,
            ledger,
            queue: BTreeMap::new(),
            sequence: 0,
            jobs: HashMap::new(),
            agents: [const { None }; AGENTS.len()],
            waiting: VecDeque::new(),
            plot: plot::first_day(),
            plot_done: BTreeSet::new(),
            versions: BTreeMap::new(),
            pushes: 0,
            pushed: BTreeSet::new(),
            missing: BTreeSet::new(),
            long_logs: BTreeMap::new(),
            server_fault,
        };
        run.fill_registry();
        run.speak_at_start();
        run.drone.set_agents(AGENTS.len() as u32);
        for entry in run.plot.clone() {
            if run.can_act(&entry) {
                run.at(entry.at(), Happening::Plot(entry.name));
            }
        }
        run.begin_laws();
        run
    }

    /// The books.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where things are at the fakes.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// The fake Rancher.
    pub fn cattle(&self) -> &FakeCattle {
        &self.cattle
    }

    /// The world as it was when the day began.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The stage's time.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The plot and what of it has happened.
    pub fn plot(&self) -> Vec<PlotLine> {
        let lines = self.plot.iter().map(|entry| PlotLine {
            name: entry.name,
            at_s: entry.at_s,
            done: self.plot_done.contains(entry.name),
        });
        lines.collect()
    }

    /// When the next thing happens.
    pub fn next_due(&self) -> Option<SignedDuration> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Acts out at most `most` events that are due by `until`; true when none of them is left.
    pub fn act_until(&mut self, until: SignedDuration, most: usize) -> bool {
        for _ in 0..most {
            let due = self.queue.first_entry().filter(|entry| entry.key().0 <= until);
            let Some(entry) = due else {
                self.stage.enter(until);
                self.cattle.tick(self.stage.now());
                self.stage.leave();
                return true;
            };
            let ((at, _), happening) = entry.remove_entry();
            self.stage.enter(at);
            self.cattle.tick(self.stage.now());
            self.act(happening);
        }
        self.stage.leave();
        false
    }

    fn now(&self) -> SignedDuration {
        self.stage.elapsed()
    }

    fn at(&mut self, when: SignedDuration, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((when, self.sequence), happening);
    }

    fn after(&mut self, wait: SignedDuration, happening: Happening) {
        let when = self.now().saturating_add(wait);
        self.at(when, happening);
    }

    fn after_ms(&mut self, millis: i64, happening: Happening) {
        self.after(SignedDuration::from_millis(millis), happening);
    }

    fn act(&mut self, happening: Happening) {
        match happening {
            Happening::Plot(name) => {
                if !self.plot_done.contains(name) {
                    self.play(name);
                }
            }
            Happening::Pushes(login) => self.push_by_law(login),
            Happening::Mends {
                repo,
                branch,
                pull,
                author,
            } => self.mend(&repo, &branch, pull, author),
            Happening::Says { build, pid } => self.say(&build, pid),
            Happening::StepEnds { build, pid, code } => self.end_step(&build, pid, code),
            Happening::Asks { build, pid } => self.ask_upgrade(&build, pid),
            Happening::Killed { build } => self.end_killed(&build),
            Happening::HostBack { environment, host } => self.host_back(environment, host),
            Happening::ServerBack { server } => {
                (self.server_fault)(server, false);
            }
            Happening::MemoryGone { image } => self.run_out_of_memory(&image),
            Happening::Crashes => self.crash_by_law(),
            Happening::Loads => self.report_loads(),
        }
    }
}
