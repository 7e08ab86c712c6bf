//! Plugins that do what the test says, in the place of the sandbox.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use waxwing::model::attempt::{Cost, Judgement};
use waxwing::model::fault::FaultKind;
use waxwing::model::plugin::{Classifies, Digest, Manifest, OnError, Stage};
use waxwing::model::request::{Method, RequestDraft};
use waxwing::transform::{BadComponent, ClassifyInput, ReplyView, Run, SettingsIssue, StageInput, Transform, Verdict};

type Transforming = Arc<dyn Fn(&StageInput<'_>) -> Result<Verdict, FaultKind> + Send + Sync>;
type Classifying = Arc<dyn Fn(&ReplyView<'_>) -> Result<Option<Judgement>, FaultKind> + Send + Sync>;

#[derive(Default)]
pub(crate) struct Plugins {
    scripts: Mutex<HashMap<Digest, Script>>,
}

#[derive(Clone)]
struct Script {
    transform: Transforming,
    classify: Option<Classifying>,
    runs: usize,
}

impl Plugins {
    /// A plugin that answers so; the stage can be put into a chain as it is.
    pub(crate) fn add(
        &self,
        name: &str,
        transform: impl Fn(&StageInput<'_>) -> Result<Verdict, FaultKind> + Send + Sync + 'static,
    ) -> Stage {
        let mut scripts = self.scripts.lock();
        let digest = Digest([u8::try_from(scripts.len() + 1).unwrap(); 32]);
        scripts.insert(digest, Script { transform: Arc::new(transform), classify: None, runs: 0 });
        Stage {
            digest,
            name: name.into(),
            version: semver::Version::new(1, 0, 0),
            settings: "{}".into(),
            secrets: Default::default(),
            on_error: OnError::Fail,
            classifies: Classifies::Nothing,
        }
    }

    /// It judges replies, too.
    pub(crate) fn judging(
        &self,
        stage: Stage,
        classify: impl Fn(&ReplyView<'_>) -> Result<Option<Judgement>, FaultKind> + Send + Sync + 'static,
    ) -> Stage {
        self.scripts.lock().get_mut(&stage.digest).unwrap().classify = Some(Arc::new(classify));
        Stage { classifies: Classifies::Everything, ..stage }
    }

    /// How often it was run over an event.
    pub(crate) fn runs(&self, stage: &Stage) -> usize {
        self.scripts.lock()[&stage.digest].runs
    }
}

fn run<T>(result: Result<T, FaultKind>) -> Run<T> {
    Run { result, cost: Cost::default(), log: Vec::new(), log_dropped: 0 }
}

#[async_trait]
impl Transform for Plugins {
    async fn admit(&self, _wasm: Bytes) -> Result<(Digest, Manifest), BadComponent> {
        Err(BadComponent::NotWasm)
    }

    async fn check_settings(&self, _digest: Digest, _settings: &str) -> Run<Vec<SettingsIssue>> {
        run(Ok(Vec::new()))
    }

    async fn transform(&self, input: StageInput<'_>) -> Run<Verdict> {
        let script = {
            let mut scripts = self.scripts.lock();
            let script = scripts.get_mut(&input.digest).unwrap();
            script.runs += 1;
            script.clone()
        };
        run((script.transform)(&input))
    }

    async fn classify(&self, input: ClassifyInput<'_>, reply: ReplyView<'_>) -> Run<Option<Judgement>> {
        let script = self.scripts.lock()[&input.digest].clone();
        run(script.classify.unwrap()(&reply))
    }
}

/// The verdict of a formatter.
pub(crate) fn send(body: impl Into<Bytes>) -> Verdict {
    Verdict::Send(RequestDraft {
        method: Method::Post,
        path: None,
        origin: None,
        query: Vec::new(),
        headers: Vec::new(),
        content_type: "application/json".into(),
        body: body.into(),
        stage: 0,
    })
}

/// What stands in the settings under this name.
pub(crate) fn placeholder_in(settings: &str, name: &str) -> String {
    let settings: serde_json::Value = serde_json::from_str(settings).unwrap();
    settings[name].as_str().unwrap().to_owned()
}
