//! The words of the command line (`cli.md`).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Follows a commit from the push to the running container.
#[derive(Debug, Parser)]
#[command(
    name = "kopi",
    version,
    about,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// On every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// One folder for kopi.toml, database and logs, instead of the platform's usual ones
    #[arg(long, global = true, env = "KOPI_HOME", value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Only this connection (may be given again)
    #[arg(long = "connection", global = true, value_name = "NAME")]
    pub(crate) connections: Vec<String>,
    /// Language of the words: en or zh-CN
    #[arg(long, global = true, value_name = "LANG")]
    pub(crate) lang: Option<String>,
    /// One JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No words about progress
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// Say what is done and asked, on stderr
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Host the core, the tray and the notices; the window attaches to it
    #[cfg(target_os = "linux")]
    Agent(AgentArguments),
    /// What is wrong and what moves; exit 1 when something is wrong
    Status,
    /// Every change as it comes, one a line
    Watch,
    /// Builds, newest first
    Builds(BuildsArguments),
    /// The log of a build, or of one step
    Log(LogArguments),
    /// Services with their containers, and hosts
    Services(ServicesArguments),
    /// Same tag again with the image pulled anew, or another tag
    Redeploy(RedeployArguments),
    /// Back to what ran before the last upgrade
    Rollback(ServiceAct),
    /// Keep the new version, remove the old containers
    Finish(ServiceAct),
    /// So many copies
    Scale(ScaleArguments),
    /// Run a build again
    RestartBuild(BuildAct),
    /// Stop a build
    CancelBuild(BuildAct),
    /// Let a waiting build run
    Approve(BuildAct),
    /// Refuse a waiting build
    Decline(BuildAct),
    /// Deploy a build to an environment
    Promote(PromoteArguments),
    /// What was done through Kopi, by whom, with what result
    Journal(JournalArguments),
    /// Try a connection: who am I, what may I
    Probe(ProbeArguments),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The same page in a browser, on this machine only
    Serve(ServeArguments),
    /// The simulated company: every server on loopback
    Office(kopi_office::OfficeArgs),
    /// Words for the shell's completion
    Completions {
        /// bash, zsh, fish, powershell, elvish
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// It listens for the end itself and says goodbye to who is attached.
    pub(crate) fn ends_itself(&self) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Agent(_) => true,
            Self::Serve(_) | Self::Office(_) => true,
            _ => false,
        }
    }
}

/// For `agent`.
#[derive(Clone, Debug, Args)]
pub(crate) struct AgentArguments {
    /// Do not open the window
    #[arg(long)]
    pub(crate) hidden: bool,
    /// With the demo office
    #[arg(long)]
    pub(crate) demo: bool,
    /// Bring this item up (`kopi://item/…` or its id)
    #[arg(long, value_name = "ITEM")]
    pub(crate) show: Option<String>,
}

/// For `builds`.
#[derive(Debug, Args)]
pub(crate) struct BuildsArguments {
    /// Only this repository (owner/name)
    #[arg(long)]
    pub(crate) repo: Option<String>,
    /// Only this branch
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Only this status, as in design words (failed, running, …)
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 30)]
    pub(crate) limit: usize,
}

/// For `log`.
#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    /// CONNECTION/OWNER/REPO#N, or OWNER/REPO#N where one connection has it
    pub(crate) build: String,
    /// Only this step, by name
    pub(crate) step: Option<String>,
    /// Go on while it is written
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Without colours
    #[arg(long)]
    pub(crate) plain: bool,
}

/// For `services`.
#[derive(Debug, Args)]
pub(crate) struct ServicesArguments {
    /// Only this environment, by name
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// Infrastructure stacks too
    #[arg(long)]
    pub(crate) system: bool,
}

/// How an act is confirmed and followed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Confirm {
    /// Print what would happen, do nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Confirm a costly act
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Follow to the verified end
    #[arg(long, short)]
    pub(crate) wait: bool,
    /// Give up following after so many seconds
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}

/// An act on a service.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServiceAct {
    /// STACK/SERVICE
    pub(crate) service: String,
    /// Environment, by name, where several have it
    #[arg(long)]
    pub(crate) environment: Option<String>,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
}

/// For `redeploy`.
#[derive(Debug, Args)]
pub(crate) struct RedeployArguments {
    #[command(flatten)]
    pub(crate) act: ServiceAct,
    /// Another tag than the one that runs
    #[arg(long)]
    pub(crate) tag: Option<String>,
}

/// For `scale`.
#[derive(Debug, Args)]
pub(crate) struct ScaleArguments {
    #[command(flatten)]
    pub(crate) act: ServiceAct,
    /// Copies
    #[arg(long, value_name = "N")]
    pub(crate) to: u32,
}

/// An act on a build.
#[derive(Clone, Debug, Args)]
pub(crate) struct BuildAct {
    /// CONNECTION/OWNER/REPO#N, or OWNER/REPO#N
    pub(crate) build: String,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
}

/// For `promote`.
#[derive(Debug, Args)]
pub(crate) struct PromoteArguments {
    #[command(flatten)]
    pub(crate) act: BuildAct,
    /// Where to
    #[arg(long)]
    pub(crate) to: String,
}

/// For `journal`.
#[derive(Debug, Args)]
pub(crate) struct JournalArguments {
    /// At most so many
    #[arg(long, default_value_t = 30)]
    pub(crate) limit: u32,
}

/// For `probe`.
#[derive(Debug, Args)]
pub(crate) struct ProbeArguments {
    /// A configured connection; none: all of them
    pub(crate) name: Option<String>,
    /// Kind of a connection that is not configured
    #[arg(long, requires = "url")]
    pub(crate) kind: Option<String>,
    /// Its address
    #[arg(long, requires = "kind")]
    pub(crate) url: Option<String>,
    /// A plain field, NAME=VALUE
    #[arg(long = "field", value_name = "NAME=VALUE")]
    pub(crate) fields: Vec<String>,
    /// A secret field from an environment variable, NAME=VARIABLE
    #[arg(long = "secret-env", value_name = "NAME=VARIABLE")]
    pub(crate) secrets: Vec<String>,
}

/// For `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the file, say every mistake with its place and cure
    Check,
    /// Where the file is
    Path,
    /// The JSON schema
    Schema,
    /// A commented file to start from
    Example,
}

/// For `serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArguments {
    /// Port on 127.0.0.1; 0: a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// The page may act (never the nuke)
    #[arg(long)]
    pub(crate) allow_actions: bool,
    /// With the demo office, when no core runs
    #[arg(long)]
    pub(crate) demo: bool,
    /// Do not open the browser
    #[arg(long)]
    pub(crate) no_open: bool,
}
