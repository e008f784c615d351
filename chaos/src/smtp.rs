//! The mail that has arrived.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorward_rig::smtp::{self, Message};
use tokio::{sync::Notify, time::timeout};

use crate::{
    checkers::{About, Mail},
    failure::Result,
    history::Name,
};

/// A message that arrived.
#[derive(Debug, Clone)]
struct Delivered {
    mail: Mail,
    /// The code that it holds.
    code: Option<String>,
}

/// The mail server.
pub(crate) struct Sink {
    pub port: u16,
    /// The authority of its certificate, as PEM.
    pub authority: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    delivered: Mutex<Vec<Delivered>>,
    arrival: Notify,
}

impl Shared {
    fn delivered(&self) -> MutexGuard<'_, Vec<Delivered>> {
        self.delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    pub(crate) async fn start() -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let hearing = Arc::clone(&shared);
        let server = smtp::Sink::start(move |message| {
            hearing.delivered().push(delivered(message));
            hearing.arrival.notify_waiters();
        })
        .await?;
        Ok(Self {
            port: server.port,
            authority: server.authority,
            shared,
        })
    }

    /// How many messages have arrived.
    pub(crate) fn count(&self) -> usize {
        self.shared.delivered().len()
    }

    /// The first code for an address after the first `seen` messages; waits for it.
    pub(crate) async fn code(&self, address: &str, seen: usize, wait: Duration) -> Option<String> {
        let found = async {
            loop {
                let arrival = self.shared.arrival.notified();
                if let Some(code) = self.find(address, seen) {
                    return code;
                }
                arrival.await;
            }
        };
        timeout(wait, found).await.ok()
    }

    fn find(&self, address: &str, seen: usize) -> Option<String> {
        let delivered = self.shared.delivered();
        let mut new = delivered.iter().skip(seen);
        new.find(|delivered| delivered.mail.about == About::Code && &*delivered.mail.to == address)?
            .code
            .clone()
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        let delivered = self.shared.delivered();
        delivered
            .iter()
            .map(|delivered| delivered.mail.clone())
            .collect()
    }
}

fn delivered(message: Message) -> Delivered {
    let subject = message.subject;
    let about = if subject.contains("sign-in code") {
        About::Code
    } else if subject.contains("passkey was added") {
        About::PasskeyAdded
    } else if subject.contains("passkey was removed") {
        About::PasskeyRemoved
    } else {
        About::Other
    };
    Delivered {
        mail: Mail {
            id: message.id.into(),
            to: Name::from(message.to),
            about,
        },
        code: (about == About::Code).then_some(message.first_line),
    }
}
