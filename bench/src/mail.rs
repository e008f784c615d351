//! The mail that servers send while they are measured, and who waits for it.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use doorward_rig::{
    Result,
    smtp::{Message, Sink},
};
use tokio::{sync::oneshot, time::timeout};

/// How long a code may be on its way.
const TO_ARRIVE: Duration = Duration::from_secs(10);

/// A mail server that hands codes to whoever waits for them.
#[derive(Clone)]
pub(crate) struct Post {
    port: u16,
    authority: Arc<str>,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<String>>>>,
}

impl Post {
    pub(crate) async fn start() -> Result<Self> {
        let waiting = Arc::<Mutex<HashMap<_, oneshot::Sender<_>>>>::default();
        let known = Arc::clone(&waiting);
        let hear = move |message: Message| {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(waits) = known.remove(&message.to) {
                // Who has stopped waiting needs no code.
                let _ = waits.send(message.first_line);
            }
        };
        let sink = Sink::start(hear).await?;
        Ok(Self {
            port: sink.port,
            authority: sink.authority.into(),
            waiting,
        })
    }

    /// What a server in this folder must be told to send mail here.
    pub(crate) fn settings(&self, folder: &Path) -> Result<Vec<(&'static str, String)>> {
        let authority = folder.join("mail-authority.pem");
        fs::write(&authority, &*self.authority)?;
        Ok(vec![
            ("MAIL__FROM", "bench@example.com".into()),
            ("MAIL__SMTP__HOST", "localhost".into()),
            ("MAIL__SMTP__PORT", self.port.to_string()),
            ("MAIL__SMTP__CA_FILE", authority.display().to_string()),
            ("MAIL__SMTP__CONNECTIONS", "16".into()),
        ])
    }

    /// Waits for what is sent to an address from now on; to be called before it is asked for.
    pub(crate) fn expect(&self, address: &str) -> Expected {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(address.to_owned(), sender);
        Expected(receiver)
    }
}

/// A message to come.
pub(crate) struct Expected(oneshot::Receiver<String>);

impl Expected {
    /// Its code, when it has come.
    pub(crate) async fn code(self) -> Result<String> {
        Ok(timeout(TO_ARRIVE, self.0).await??)
    }
}
