//! The real source watching the fake: what a person would miss if it were not told.

use std::time::Duration;

use kopi_feed::Note;
use kopi_model::item::{ServiceKind, UpgradePhase};
use kopi_model::{Item, LiveStatus, Verb};

use super::bench::{ACCESS, Company, Picture, READER};
use crate::rancher::fake::Fault;
use crate::rancher::watch::period;

#[tokio::test(start_paused = true)]
async fn an_environment_key_shows_its_environment() {
    let company = Company::start().await;
    let mut picture = Picture::of(&company.source(ACCESS));
    picture.until_listed().await;
    assert_eq!(
        picture.notes.first(),
        Some(&Note::Server {
            dialect: "1.6".into(),
            version: Some("v1.6.30".into())
        })
    );
    let Item::Environment(dev) = picture.item(&format!("environment:rancher/{}", company.dev)) else {
        panic!()
    };
    assert_eq!(
        (dev.name.as_str(), dev.production, dev.may_act),
        ("dev", false, Some(true))
    );
    assert_eq!(
        picture
            .items
            .values()
            .filter(|item| matches!(item, Item::Environment(_)))
            .count(),
        1
    );
    let web = picture.service(&company.web);
    assert_eq!(
        (web.stack_name.as_str(), web.name.as_str(), web.scale),
        ("core", "web", Some(2))
    );
    assert_eq!((web.status, web.has_health_check), (LiveStatus::Ok, true));
    assert_eq!(web.image, "harbor.company.com/ihealth/web:1.4.0");
    assert!(
        web.offers.contains(&Verb::Redeploy) && web.offers.contains(&Verb::Scale),
        "{:?}",
        web.offers
    );
    assert_eq!(web.endpoints.len(), 2, "{:?}", web.endpoints);
    assert_eq!(picture.containers_of(&company.web).len(), 2);
    let text = format!("{:?}", picture.items);
    assert!(
        !text.contains("never-to-be-shown"),
        "environment variables hold secrets"
    );
    let mail = picture.items.values().find_map(|item| match item {
        Item::Service(service) if service.name == "mail" => Some(service),
        _ => None,
    });
    let mail = mail.expect("external services are shown");
    assert_eq!(
        (mail.service_kind, mail.status, mail.health.as_deref()),
        (ServiceKind::External, LiveStatus::Ok, None)
    );
    assert!(!mail.offers.contains(&Verb::Upgrade) && !mail.offers.contains(&Verb::Redeploy));
    let sidekicks = picture.items.values().filter_map(|item| match item {
        Item::Container(container) => container.sidekick.as_deref(),
        _ => None,
    });
    assert_eq!(sidekicks.collect::<Vec<_>>(), ["nginx", "nginx"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_key_shows_all_or_the_named_environments() {
    let company = Company::start().await;
    let mut picture = Picture::of(&company.source("MEMBER"));
    picture.until_listed().await;
    let environments = |picture: &Picture| {
        let all = picture.items.values().filter_map(|item| match item {
            Item::Environment(row) => Some((row.name.clone(), row.production, row.may_act)),
            _ => None,
        });
        all.collect::<Vec<_>>()
    };
    let expected = [
        ("dev".to_owned(), false, Some(true)),
        ("production".to_owned(), true, Some(true)),
    ];
    assert_eq!(environments(&picture), expected);
    let services = picture
        .items
        .values()
        .filter(|item| matches!(item, Item::Service(_)))
        .count();
    assert_eq!(services, 5);
    drop(picture);

    let mut settings = company.settings_for("MEMBER");
    settings.fields.insert("environments".into(), "production".into());
    let source = (crate::rancher::kind().make)(&settings).expect("usable");
    let mut picture = Picture::of(&source);
    picture.until_listed().await;
    let services: Vec<_> = picture
        .items
        .values()
        .filter(|item| matches!(item, Item::Service(_)))
        .collect();
    assert_eq!(services.len(), 1);
    let Item::Service(web) = services[0] else { panic!() };
    assert_eq!(web.environment.native(), company.production);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_only_look_is_recognised() {
    let company = Company::start().await;
    let mut picture = Picture::of(&company.source(READER));
    picture.until_listed().await;
    let Item::Environment(dev) = picture.item(&format!("environment:rancher/{}", company.dev)) else {
        panic!()
    };
    assert_eq!(dev.may_act, Some(false));
    assert_eq!(picture.service(&company.web).offers, []);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_seen_from_beginning_to_end() {
    let company = Company::start().await;
    let mut picture = Picture::of(&company.source(ACCESS));
    picture.until_listed().await;
    let interval = Duration::from_secs(2);
    company
        .cattle
        .upgrade(&company.web, "harbor.company.com/ihealth/web:1.5.0", 1, interval, false)
        .expect("accepted");
    picture
        .until("the upgrade runs", |picture| {
            let web = picture.service(&company.web);
            web.phase == UpgradePhase::Running && web.status == LiveStatus::Working
        })
        .await;
    let web = picture.service(&company.web);
    assert_eq!(web.image, "harbor.company.com/ihealth/web:1.5.0");
    let version = web.version.clone();
    picture
        .until("it is upgraded", |picture| {
            picture.service(&company.web).phase == UpgradePhase::AwaitsFinish
        })
        .await;
    let previous = picture
        .service(&company.web)
        .previous
        .clone()
        .expect("it can be gone back to");
    assert_eq!(previous.image, "harbor.company.com/ihealth/web:1.4.0");
    let containers = picture.containers_of(&company.web);
    assert_eq!(containers.len(), 4);
    assert_eq!(
        containers
            .iter()
            .filter(|row| row.version == version && row.status == LiveStatus::Ok)
            .count(),
        2
    );
    assert_eq!(
        containers
            .iter()
            .filter(|row| row.version != version && row.status == LiveStatus::Stopped)
            .count(),
        2
    );
    company
        .cattle
        .order(&company.web, "finishupgrade", &serde_json::json!(null))
        .expect("offered");
    picture
        .until("it is finished", |picture| {
            picture.service(&company.web).phase == UpgradePhase::None && picture.containers_of(&company.web).len() == 2
        })
        .await;
    assert_eq!(picture.service(&company.web).status, LiveStatus::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_upgrade_says_why_and_a_roll_back_is_no_way_back_any_more() {
    let company = Company::start().await;
    let mut picture = Picture::of(&company.source(ACCESS));
    picture.until_listed().await;
    let image = "harbor.company.com/ihealth/web:9.9";
    company.cattle.break_image(image, Fault::CannotPull);
    company
        .cattle
        .upgrade(&company.web, image, 1, Duration::from_secs(2), false)
        .expect("accepted");
    picture
        .until("it fails", |picture| picture.service(&company.web).failing)
        .await;
    let web = picture.service(&company.web);
    assert_eq!((web.status, web.phase), (LiveStatus::Failed, UpgradePhase::Running));
    assert!(
        web.message
            .as_deref()
            .is_some_and(|message| message.contains("failed to pull")),
        "{:?}",
        web.message
    );
    assert!(web.offers.contains(&Verb::Rollback));
    company
        .cattle
        .order(&company.web, "rollback", &serde_json::json!({}))
        .expect("offered");
    picture
        .until("it is back", |picture| {
            picture.service(&company.web).status == LiveStatus::Ok
        })
        .await;
    let web = picture.service(&company.web);
    assert_eq!(
        (web.image.as_str(), web.previous.as_ref()),
        ("harbor.company.com/ihealth/web:1.4.0", None)
    );
}

#[tokio::test(start_paused = true)]
async fn containers_of_a_lost_host_are_unknown() {
    let company = Company::start().await;
    let mut picture = Picture::of(&company.source("MEMBER"));
    picture.until_listed().await;
    let host = format!("host:rancher/{}", company.host);
    let on_it = |picture: &Picture| {
        let all = picture.items.values().filter_map(|item| match item {
            Item::Container(row) if row.host.as_ref().is_some_and(|id| id.as_str() == host) => Some(row.status),
            _ => None,
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(on_it(&picture), [LiveStatus::Ok]);
    company.cattle.host_down(&company.host);
    picture
        .until(
            "the host is given up",
            |picture| matches!(picture.item(&host), Item::Host(row) if row.status == LiveStatus::Failed),
        )
        .await;
    picture
        .until("its containers are unknown", |picture| {
            on_it(picture) == [LiveStatus::Unknown]
        })
        .await;
    company.cattle.host_up(&company.host);
    picture
        .until("all is well", |picture| on_it(picture) == [LiveStatus::Ok])
        .await;
}

#[tokio::test(start_paused = true)]
async fn quiet_minutes_cost_few_requests_and_says_nothing() {
    let company = Company::start().await;
    let mut picture = Picture::of(&company.source("MEMBER"));
    picture.until_listed().await;
    company.faults.forget();
    let listings = picture.listings;
    let began = tokio::time::Instant::now();
    picture
        .until("it looks again and again", |picture| picture.listings >= listings + 30)
        .await;
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    let requests = company.faults.seen().len() as f64;
    assert!(
        minutes > 8.0 && requests / minutes <= 20.0,
        "{requests} requests in {minutes} minutes"
    );
    assert_eq!(picture.told, Vec::<String>::new());
}

#[test]
fn the_budget_holds_for_any_number_of_environments() {
    for environments in 1..=40 {
        for streaming in [true, false] {
            let requests = (4 * environments + 1) as f64;
            let a_minute = requests * 60.0 / period(environments, streaming).as_secs_f64();
            assert!(a_minute <= 20.0, "{environments} {streaming}: {a_minute}");
        }
    }
}
