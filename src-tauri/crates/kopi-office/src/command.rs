//! `kopi office`: starts an office, says where it is, runs until interrupted (`cli.md`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use kopi_sources::fault::Fault;

use crate::OfficeError;
use crate::clock::MAX_SPEED;
use crate::office::{Office, OfficeOptions};
use crate::world::Size;

/// How big the company is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SizeWord {
    /// Three lines.
    Small,
    /// 23 lines, some 60 services.
    #[default]
    Team,
    /// 500 services, 5,000 builds.
    Large,
}

impl From<SizeWord> for Size {
    fn from(word: SizeWord) -> Self {
        match word {
            SizeWord::Small => Self::Small,
            SizeWord::Team => Self::Team,
            SizeWord::Large => Self::Large,
        }
    }
}

/// Options of `kopi office`.
#[derive(Args, Clone, Debug)]
pub struct OfficeArgs {
    /// The same seed, speed and orders give the same day
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Office seconds a second, 0 (only on orders) to 1000
    #[arg(long, default_value_t = 1.0, value_parser = parse_speed)]
    pub speed: f64,
    /// First of the ports: control, then the servers; 0: free ones
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// How big the company is
    #[arg(long, value_enum, default_value_t)]
    pub size: SizeWord,
    /// A server that is broken from the start, SERVER=FAULT; may be given more than once
    #[arg(long, value_name = "SERVER=FAULT", value_parser = parse_fault)]
    pub fault: Vec<(String, Fault)>,
    /// Write a kopi.toml for it, its secrets beside
    #[arg(long, value_name = "FILE")]
    pub write_config: Option<PathBuf>,
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "a number from 0 to 1000".to_owned())?;
    if (0.0..=MAX_SPEED).contains(&speed) {
        Ok(speed)
    } else {
        Err("a number from 0 to 1000".to_owned())
    }
}

fn parse_fault(text: &str) -> Result<(String, Fault), String> {
    let (server, fault) = text.split_once('=').ok_or("SERVER=FAULT, for instance rancher=5xx")?;
    let fault = fault.parse().map_err(|error| format!("{error}"))?;
    Ok((server.to_owned(), fault))
}

impl OfficeArgs {
    /// The options they mean, with the office's clock at `start`.
    pub fn options(&self, start: Timestamp) -> OfficeOptions {
        OfficeOptions {
            seed: self.seed,
            speed: self.speed,
            port: (self.port != 0).then_some(self.port),
            size: self.size.into(),
            faults: self.fault.clone(),
            start,
        }
    }
}

/// Starts an office with its clock at `start`; writes its address, one JSON object, as the first line of `out`; runs until
/// interrupted.
///
/// # Errors
/// A port is taken, a fault names no server, a file cannot be written.
pub async fn command(args: &OfficeArgs, start: Timestamp, out: &mut impl std::io::Write) -> Result<(), OfficeError> {
    let mut office = Office::start(args.options(start)).await?;
    if let Some(file) = &args.write_config {
        office.write_config(file)?;
    }
    let line = serde_json::to_string(office.address()).map_err(|error| OfficeError::Unknown(error.to_string()))?;
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    if written.is_ok() {
        interrupted().await;
    }
    // Whoever started it has closed its end: there is nobody to run for.
    office.stop().await;
    Ok(())
}

/// Ctrl-C, or the system's request to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
