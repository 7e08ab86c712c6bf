use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::model::attempt::{Cost, Judgement};
use crate::model::event::Payload;
use crate::model::plugin::{Classifies, Digest, Manifest};
use crate::model::request::{Header, Method};
use crate::model::time::Timestamp;
use crate::transform::{BadComponent, ClassifyInput, ReplyView, SettingsIssue};

const FUEL: FuelLimits = FuelLimits { base: 100, per_byte: 0, chain_factor: 4 };
const MINE: &str = "wxs_0123456789abcdef0123456789abcdef";

/// Answers as the script says, by the stage's settings (`"0"`, `"1"`, …), and notes what it was given.
struct Scripted {
    answers: Vec<Result<Verdict, FaultKind>>,
    given: Mutex<Vec<(Bytes, u64)>>,
}

#[async_trait]
impl Transform for Scripted {
    async fn admit(&self, _: Bytes) -> Result<(Digest, Manifest), BadComponent> {
        Err(BadComponent::NotWasm)
    }

    async fn check_settings(&self, _: Digest, _: &str) -> Run<Vec<SettingsIssue>> {
        Run::refused("not scripted".into())
    }

    async fn transform(&self, input: StageInput<'_>) -> Run<Verdict> {
        self.given.lock().push((input.data.clone(), input.fuel));
        let index: usize = input.settings.parse().unwrap();
        let cost = Cost { fuel: 60, ..Cost::default() };
        Run { result: self.answers[index].clone(), cost, log: Vec::new(), log_dropped: 0 }
    }

    async fn classify(&self, _: ClassifyInput<'_>, _: ReplyView<'_>) -> Run<Option<Judgement>> {
        Run::refused("not scripted".into())
    }
}

struct Outcome {
    run: ChainRun,
    given: Vec<(Bytes, u64)>,
}

fn event(data: &str) -> Event {
    Event {
        id: 1.into(),
        event_type: "order.paid".parse().unwrap(),
        tenant: "default".parse().unwrap(),
        environment: "production".parse().unwrap(),
        occurred_at: Timestamp::from_millis(1),
        data: Payload::json(data.to_owned()),
        external_id: None,
    }
}

/// Runs a chain of one stage per answer; `skipping` says which stages have `onError: skip`.
fn chain(data: &str, answers: &[Result<Verdict, FaultKind>], skipping: &[bool]) -> Outcome {
    let transform = Scripted { answers: answers.to_vec(), given: Mutex::default() };
    let settings: Vec<String> = (0..answers.len()).map(|index| index.to_string()).collect();
    let stages: Vec<Stage> = (0..answers.len())
        .map(|index| Stage {
            digest: Digest([u8::try_from(index).unwrap(); 32]),
            name: format!("stage{index}"),
            version: semver::Version::new(1, 0, 0),
            settings: Arc::from("{}"),
            secrets: std::collections::BTreeMap::new(),
            on_error: if skipping.get(index) == Some(&true) { OnError::Skip } else { OnError::Fail },
            classifies: Classifies::Nothing,
        })
        .collect();
    let own = vec![MINE.to_owned()];
    let stages: Vec<ChainStage<'_>> = stages
        .iter()
        .zip(&settings)
        .map(|(stage, settings)| ChainStage { stage, settings, placeholders: &own })
        .collect();
    let event = event(data);
    let webhook = WebhookView { id: 2.into(), origin: "https://shop.example", allow_origins: &[] };
    let input = ChainInput { event: &event, webhook, stages: &stages, fuel: FUEL };
    let run = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(&transform, input));
    Outcome { run, given: transform.given.into_inner() }
}

fn replace(data: &str) -> Result<Verdict, FaultKind> {
    Ok(Verdict::Replace(Bytes::copy_from_slice(data.as_bytes())))
}

fn send(body: &str, header: &str) -> Result<Verdict, FaultKind> {
    Ok(Verdict::Send(RequestDraft {
        method: Method::Post,
        path: None,
        origin: None,
        query: Vec::new(),
        headers: vec![Header { name: "authorization".into(), value: header.into() }],
        content_type: "text/plain".into(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        stage: 0,
    }))
}

fn trap() -> Result<Verdict, FaultKind> {
    Err(FaultKind::Trap { message: "unreachable".into() })
}

#[test]
fn each_stage_is_given_what_the_one_before_left_and_send_ends_the_chain() {
    let outcome = chain("1", &[Ok(Verdict::Pass), replace("2"), send("3", "x"), trap()], &[]);
    let given: Vec<&[u8]> = outcome.given.iter().map(|(data, _)| data.as_ref()).collect();
    assert_eq!(given, [b"1", b"1", b"2"]);
    let Ok(ChainEnd::Send(draft)) = outcome.run.end else { panic!("{:?}", outcome.run.end) };
    assert_eq!((draft.stage, draft.body.as_ref()), (2, b"3".as_slice()));
    assert_eq!(outcome.run.stages.len(), 3);
}

#[test]
fn a_chain_that_only_passes_leaves_the_event_untouched() {
    assert_eq!(chain("1", &[Ok(Verdict::Pass)], &[]).run.end, Ok(ChainEnd::Pass { data: None }));
    assert_eq!(chain("1", &[], &[]).run.end, Ok(ChainEnd::Pass { data: None }));
}

#[test]
fn what_a_redactor_removed_stays_removed_when_a_later_stage_is_skipped() {
    let outcome = chain(r#"{"card":4111}"#, &[replace("{}"), trap(), Ok(Verdict::Pass)], &[false, true, false]);
    assert_eq!(outcome.given[2].0, "{}");
    assert_eq!(outcome.run.end, Ok(ChainEnd::Pass { data: Some("{}".into()) }));
    assert!(matches!(outcome.run.stages[1].result, StageResult::Fault { skipped: true, .. }));
}

#[test]
fn a_fault_ends_the_chain_and_a_hosts_fault_can_not_be_skipped() {
    let outcome = chain("1", &[trap(), Ok(Verdict::Pass)], &[]);
    assert_eq!(outcome.run.end.unwrap_err().to_string(), "plugin stage0@1.0.0: trapped: unreachable");
    let host = Err(FaultKind::Host { message: "no slot".into() });
    assert!(chain("1", &[host, Ok(Verdict::Pass)], &[true, true]).run.end.is_err());
}

#[test]
fn a_drop_names_its_plugin_and_reason() {
    let end = chain("1", &[Ok(Verdict::Drop("small order".into()))], &[]).run.end;
    assert_eq!(end, Ok(ChainEnd::Drop { plugin: "stage0@1.0.0".into(), reason: "small order".into() }));
}

#[test]
fn the_stages_share_one_budget_of_fuel_and_the_fault_speaks_of_the_chains() {
    let out = Err(FaultKind::Limit { limit: Limit::ChainFuel, used: 60, allowed: 40 });
    let outcome = chain("1", &[Ok(Verdict::Pass), Ok(Verdict::Pass), out], &[]);
    assert_eq!(outcome.given.iter().map(|(_, fuel)| *fuel).collect::<Vec<_>>(), [400, 340, 280]);
    let fault = outcome.run.end.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit { limit: Limit::ChainFuel, used: 180, allowed: 400 });
}

#[test]
fn only_a_stages_own_placeholders_may_stand_in_what_it_sends() {
    let other = "wxs_ffffffffffffffffffffffffffffffff";
    assert!(chain("1", &[send("b", &format!("Bearer {MINE}"))], &[]).run.end.is_ok());
    for answer in
        [send("b", other), send(other, "x"), replace(&format!("\"{other}\"")), replace(&format!("\"{MINE}\""))]
    {
        let fault = chain("1", &[answer], &[]).run.end.unwrap_err();
        assert!(matches!(fault.kind, FaultKind::BadOutput { .. }), "{fault}");
    }
    let planted = chain(&format!("\"{MINE}\""), &[send("b", "x")], &[]);
    assert!(planted.given.is_empty(), "an event with a placeholder isn't shown to a plugin");
    assert!(matches!(planted.run.end.unwrap_err().kind, FaultKind::BadOutput { .. }));
}

proptest! {
    /// Whatever stages answer, and whichever are skipped: data only ever comes from the stage before.
    #[test]
    fn a_chain_never_falls_back_to_earlier_data(
        script in proptest::collection::vec((0..3_u8, any::<bool>()), 0..8),
    ) {
        let answers: Vec<_> = script.iter().enumerate().map(|(index, (kind, _))| match kind {
            0 => Ok(Verdict::Pass),
            1 => replace(&(index + 1).to_string()),
            _ => trap(),
        }).collect();
        let skipping: Vec<bool> = script.iter().map(|(_, skip)| *skip).collect();
        let outcome = chain("0", &answers, &skipping);
        let mut expected = "0".to_owned();
        let mut ended = false;
        for (index, (kind, skip)) in script.iter().enumerate() {
            prop_assert_eq!(&outcome.given[index].0, &expected);
            match kind {
                1 => expected = (index + 1).to_string(),
                2 if !skip => { ended = true; break; }
                _ => {}
            }
        }
        match outcome.run.end {
            Err(_) => prop_assert!(ended),
            Ok(ChainEnd::Pass { data }) => prop_assert_eq!(data.unwrap_or_else(|| "0".into()), expected),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
