//! The binary `kopi`: the command line, the agent that hosts the core on Linux, the page in a browser, the office.
//!
//! Refuses: linking GTK or WebKit; deciding anything the core decides.

#[cfg(target_os = "linux")]
mod agent;
mod args;
mod commands;
mod demo;
mod here;
mod plan_words;
mod print;
mod reach;
mod serve;
mod shapes;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use kopi_model::wire::{Answer, ApiError, ErrorCode, Query, Snapshot};
use kopi_model::{Order, Verb};

use args::{Arguments, BuildAct, Command, Common, ServiceAct};
use print::{Exit, Printer};
use reach::Reach;
use shapes::World;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Wrong usage is 2, help and version are 0 (`cli.md`).
            let code = if error.use_stderr() { 2 } else { 0 };
            error.print().ok();
            return ExitCode::from(code);
        }
    };
    kopi_feed::tls::install_provider();
    here::log_to_stderr(&arguments.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("kopi: the runtime could not be started: {error}");
            return ExitCode::from(Exit::CouldNotRead as u8);
        }
    };
    let lang = here::lang(arguments.common.lang.as_deref());
    let printer = Printer {
        json: arguments.common.json,
        quiet: arguments.common.quiet,
        lang,
    };
    // The agent and the page end in order on SIGINT, by themselves.
    let ends_itself = arguments.command.ends_itself();
    let exit = runtime.block_on(async {
        tokio::select! {
            result = run(arguments.command, &arguments.common, printer) => match result {
                Ok(exit) => exit as u8,
                Err(error) => printer.error(&error) as u8,
            },
            _ = tokio::signal::ctrl_c(), if !ends_itself => 130,
        }
    });
    runtime.shutdown_background();
    ExitCode::from(exit)
}

async fn run(command: Command, common: &Common, printer: Printer) -> Result<Exit, ApiError> {
    let now = jiff::Timestamp::now();
    match command {
        Command::Status => Ok(commands::status::status(&picture(common).await?, printer, now)),
        Command::Builds(arguments) => Ok(commands::builds::builds(
            &something(common).await?,
            &arguments,
            printer,
            now,
        )),
        Command::Services(arguments) => Ok(commands::services::services(
            &something(common).await?,
            &arguments,
            printer,
            now,
        )),
        Command::Watch => commands::watch::watch(here::reach(common).await?, printer).await,
        Command::Log(arguments) => {
            let mut reach = here::reach(common).await?;
            let snapshot = reach.subscribe().await?;
            let id = build_id(&snapshot, &arguments.build)?;
            commands::log::log(reach, id, &arguments, printer).await
        }
        Command::Redeploy(arguments) => {
            let verb = if arguments.tag.is_some() {
                Verb::Upgrade
            } else {
                Verb::Redeploy
            };
            on_service(common, &arguments.act, printer, verb, |order| {
                order.tag.clone_from(&arguments.tag);
            })
            .await
        }
        Command::Rollback(act) => on_service(common, &act, printer, Verb::Rollback, |_| {}).await,
        Command::Finish(act) => on_service(common, &act, printer, Verb::Finish, |_| {}).await,
        Command::Scale(arguments) => {
            on_service(common, &arguments.act, printer, Verb::Scale, |order| {
                order.scale = Some(arguments.to);
            })
            .await
        }
        Command::RestartBuild(act) => on_build(common, &act, printer, Verb::Restart, None).await,
        Command::CancelBuild(act) => on_build(common, &act, printer, Verb::Cancel, None).await,
        Command::Approve(act) => on_build(common, &act, printer, Verb::Approve, None).await,
        Command::Decline(act) => on_build(common, &act, printer, Verb::Decline, None).await,
        Command::Promote(arguments) => {
            on_build(
                common,
                &arguments.act,
                printer,
                Verb::Promote,
                Some(arguments.to.clone()),
            )
            .await
        }
        Command::Journal(arguments) => {
            let reach = here::reach(common).await?;
            let answer = reach
                .query(Query::Journal {
                    before: None,
                    limit: arguments.limit,
                })
                .await?;
            reach.leave().await;
            match answer {
                Answer::Journal(entries) => Ok(commands::journal::journal(&entries, printer, now)),
                _ => Err(ApiError::new(ErrorCode::Internal, "the core answered something else")),
            }
        }
        Command::Probe(arguments) => {
            let mut reach = here::reach(common).await?;
            let picture = reach.subscribe().await?;
            let names: Vec<String> = picture
                .connections
                .iter()
                .map(|health| health.name.to_string())
                .collect();
            let exit = commands::probe::probe(&reach, &names, &arguments, printer).await?;
            reach.leave().await;
            Ok(exit)
        }
        Command::Config(command) => commands::config::config(&command, common, printer),
        Command::Serve(arguments) => here::serve(common, &arguments, printer).await,
        #[cfg(target_os = "linux")]
        Command::Agent(arguments) => here::agent(common, &arguments).await,
        Command::Office(arguments) => here::office(arguments).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "kopi", &mut std::io::stdout());
            Ok(Exit::Fine)
        }
    }
}

/// The picture of the running core; without one, of the servers, read once.
async fn picture(common: &Common) -> Result<Snapshot, ApiError> {
    let mut snapshot = match Reach::running(&here::paths(common)?).await? {
        Some(mut reach) => reach.subscribe().await?,
        None => here::read_once(common).await?,
    };
    if !common.connections.is_empty() {
        let wanted =
            |name: &kopi_model::ConnectionName| common.connections.iter().any(|wanted| wanted == name.as_str());
        for name in &common.connections {
            if !snapshot.connections.iter().any(|health| health.name.as_str() == name) {
                return Err(ApiError::new(
                    ErrorCode::NoSuchConnection,
                    format!("there is no connection {name}"),
                ));
            }
        }
        snapshot.connections.retain(|health| wanted(&health.name));
        snapshot
            .items
            .retain(|item| wanted(item.connection()) || item.connection().as_str() == "kopi");
    }
    Ok(snapshot)
}

/// The picture, when there is anything in it.
async fn something(common: &Common) -> Result<Snapshot, ApiError> {
    let snapshot = picture(common).await?;
    commands::nothing_read(&snapshot)?;
    Ok(snapshot)
}

fn build_id(snapshot: &Snapshot, text: &str) -> Result<kopi_model::ItemId, ApiError> {
    let world = World::new(snapshot);
    let builds: Vec<_> = world.builds().collect();
    let connections: Vec<String> = snapshot
        .connections
        .iter()
        .map(|health| health.name.to_string())
        .collect();
    commands::log::resolve_build(text, &builds, &connections)
}

fn order(target: kopi_model::ItemId, verb: Verb) -> Order {
    Order {
        target,
        verb,
        tag: None,
        scale: None,
        environment: None,
        strategy: None,
        based_on: None,
    }
}

async fn on_service(
    common: &Common,
    act: &ServiceAct,
    printer: Printer,
    verb: Verb,
    fill: impl FnOnce(&mut Order),
) -> Result<Exit, ApiError> {
    let mut reach = here::reach(common).await?;
    let snapshot = reach.subscribe().await?;
    let id = commands::act::resolve_service(&snapshot, &act.service, act.environment.as_deref())?;
    let mut order = order(id, verb);
    fill(&mut order);
    commands::act::act(reach, order, &act.confirm, printer).await
}

async fn on_build(
    common: &Common,
    act: &BuildAct,
    printer: Printer,
    verb: Verb,
    environment: Option<String>,
) -> Result<Exit, ApiError> {
    let mut reach = here::reach(common).await?;
    let snapshot = reach.subscribe().await?;
    let mut order = order(build_id(&snapshot, &act.build)?, verb);
    order.environment = environment;
    commands::act::act(reach, order, &act.confirm, printer).await
}
