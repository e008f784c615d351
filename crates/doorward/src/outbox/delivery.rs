//! The way out: messages flow from the queue to the mail server, as many at once as it may be sent.
//!
//! No message waits for another: where one is done the next begins. What many need of the database is asked for together,
//! and what has left is removed together, so that mail costs little beside the requests that promised it.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use tokio::time::timeout;

use super::{
    AT_A_TIME, Kind, Live, Payload, SENDING, Waiting, claim_due, defer, live, release, remove,
};
use crate::{
    Doorward,
    config::Locale,
    error::{Error, Escaped, Result},
    ids::MessageId,
    mail::{Address, Brand, Message, Notice, SendError},
    time::Timestamp,
    users::{self, Account},
};

/// How long a mailer may take for a message: within [`SENDING`], after what has to be read for it. One that an application brings
/// might wait for ever, and the connection with it.
const TO_MAIL: Duration = Duration::from_secs(75);

/// How long a process that ends sends what it has promised, and then how long it takes to leave the rest to others.
const TO_SEND: Duration = Duration::from_secs(3);
const TO_LEAVE: Duration = Duration::from_secs(1);

/// Sends all mail that is due, and waits for what is on its way already; how many messages left.
pub(crate) async fn deliver_due(doorward: &Doorward) -> Result<usize> {
    let _turn = doorward.queue.turn.lock().await;
    doorward.queue.look_again();
    Flow::new(doorward).run().await
}

/// The same of what this process has promised; what else is due only when it is time to look for that.
pub(crate) async fn deliver_promised(doorward: &Doorward) -> Result<usize> {
    let _turn = doorward.queue.turn.lock().await;
    Flow::new(doorward).run().await
}

/// Ends the sending of mail by this process: what it has promised leaves within a moment, or is another's to send, and so is
/// what it still promises.
pub(crate) async fn hand_over(doorward: &Doorward) {
    let sender = doorward.clone();
    let sending = tokio::spawn(async move { deliver_promised(&sender).await });
    // Where time runs out it goes on, and hears of the end.
    let _ = timeout(TO_SEND, sending).await;
    doorward.queue.end();
    // Whoever delivers listens now, or is about to.
    doorward.mail_due.notify_waiters();
    doorward.mail_due.notify_one();
    if timeout(TO_LEAVE, deliver_promised(doorward)).await.is_err() {
        // It may have left, so that nobody else sends it before its claim runs out.
        tracing::warn!("mail was still being sent at the end: others try again in two minutes");
    }
}

/// What is under way.
#[expect(
    clippy::struct_excessive_bools,
    reason = "of each kind of statement one is under way at a time"
)]
struct Flow<'a> {
    doorward: &'a Doorward,
    steps: FuturesUnordered<BoxFuture<'a, Done>>,
    /// How many messages are between the queue and their fate, and how many may be.
    busy: usize,
    most: usize,
    /// Messages of which all is known that is needed to send them.
    ready: VecDeque<(Waiting, Option<Live>)>,
    /// How many messages are being sent, and how many the mail server takes at once.
    sending: usize,
    connections: usize,
    /// Messages that are under way or over. One of them may outlive its claim, and is not to be sent again beside itself.
    held: HashSet<MessageId>,
    /// Messages that are over, and have to be removed, which until then others leave alone.
    over: Vec<(MessageId, Timestamp)>,
    /// Messages that are another's to send, and have to be released.
    given_up: Vec<Waiting>,
    is_looking: bool,
    is_removing: bool,
    is_releasing: bool,
    is_claiming: bool,
    sent: usize,
    failure: Option<Error>,
}

/// A step that is done.
enum Done {
    /// It is known which codes are live, for messages that are about to leave.
    Looked(Vec<Waiting>, Result<Vec<Live>>),
    /// A message, claimed until then, has been tried, and met its fate.
    Met(MessageId, Timestamp, Fate),
    /// A message was left for later, without having been tried.
    PutOff,
    /// Messages were left to whoever claims them next; so many.
    Released(usize),
    /// Messages that were over are gone.
    Removed(Vec<MessageId>),
    /// Messages were claimed that nobody was sending.
    Claimed(Result<Vec<Waiting>>),
    /// There is something new in the queue.
    Promised,
}

/// What became of a message.
enum Fate {
    Sent,
    /// It has no business any more, or never will: the reason.
    Dropped(&'static str),
    Later,
}

impl<'a> Flow<'a> {
    fn new(doorward: &'a Doorward) -> Self {
        let connections = usize::try_from(doorward.config.mail.smtp.connections).unwrap_or(1);
        Self {
            doorward,
            steps: FuturesUnordered::new(),
            busy: 0,
            // So that every connection has a message while there is no room yet for as many as are looked up together.
            most: connections.saturating_add(2 * AT_A_TIME),
            ready: VecDeque::new(),
            sending: 0,
            connections,
            held: HashSet::new(),
            over: Vec::new(),
            given_up: Vec::new(),
            is_looking: false,
            is_removing: false,
            is_releasing: false,
            is_claiming: false,
            sent: 0,
            failure: None,
        }
    }

    /// Flows until nothing is due and nothing under way.
    async fn run(mut self) -> Result<usize> {
        loop {
            self.begin_what_may_begin();
            if self.steps.is_empty() {
                return self.failure.map_or(Ok(self.sent), Err);
            }
            let done = tokio::select! {
                Some(done) = self.steps.next() => done,
                () = self.doorward.mail_due.notified() => Done::Promised,
            };
            self.go_on(done);
        }
    }

    /// One look, one claim and one removal at a time: what comes meanwhile goes together.
    fn begin_what_may_begin(&mut self) {
        let (doorward, queue) = (self.doorward, &self.doorward.queue);
        let now = doorward.clock.now();
        if queue.has_ended() {
            self.give_up_what_waits();
        } else {
            self.begin_to_send(now);
        }
        if !self.is_releasing && !self.given_up.is_empty() {
            self.is_releasing = true;
            let count = self.given_up.len().min(AT_A_TIME);
            let batch = self.given_up.drain(..count).collect();
            self.steps.push(give_up(doorward, batch).boxed());
        }
        // While others wait to leave, those that have left wait for each other, but not until another sends them again.
        let is_urgent = self.over.iter().any(|(_, until)| *until <= now + SENDING);
        let are_enough = is_urgent || self.ready.is_empty() || self.over.len() >= AT_A_TIME;
        if !self.is_removing && are_enough && !self.over.is_empty() {
            self.is_removing = true;
            let count = self.over.len().min(AT_A_TIME);
            let batch = self.over.drain(..count).map(|(id, _)| id).collect();
            self.steps.push(clear(doorward, batch).boxed());
        }
    }

    fn begin_to_send(&mut self, now: Timestamp) {
        let (doorward, queue) = (self.doorward, &self.doorward.queue);
        if !self.is_claiming && queue.is_to_look(now) {
            self.is_claiming = true;
            let claim = claim_due(doorward);
            self.steps.push(claim.map(Done::Claimed).boxed());
        }
        // What is claimed is older than what waits, and goes first.
        if !self.is_claiming && !self.is_looking {
            let batch = queue.take(self.most.saturating_sub(self.busy), now);
            if !batch.is_empty() {
                self.is_looking = true;
                self.busy += batch.len();
                self.held.extend(batch.iter().map(|waiting| waiting.id));
                self.steps.push(look(doorward, batch).boxed());
            }
        }
        while self.sending < self.connections
            && let Some((waiting, live)) = self.ready.pop_front()
        {
            if now + SENDING < waiting.claimed_until {
                self.sending += 1;
                self.steps.push(deliver(doorward, waiting, live).boxed());
            } else {
                // Whoever claims it next may be this process, before it has heard of the release.
                self.held.remove(&waiting.id);
                self.given_up.push(waiting);
            }
        }
    }

    /// Leaves to others all that is not being sent already.
    fn give_up_what_waits(&mut self) {
        let waiting = self.doorward.queue.drain();
        self.busy += waiting.len();
        self.given_up.extend(waiting);
        let ready = self.ready.drain(..).map(|(waiting, _)| waiting);
        self.given_up.extend(ready);
    }

    fn go_on(&mut self, done: Done) {
        match done {
            Done::Looked(batch, found) => {
                self.is_looking = false;
                self.looked(batch, found);
            }
            Done::Met(id, claimed_until, fate) => {
                self.busy -= 1;
                self.sending -= 1;
                self.sent += usize::from(matches!(fate, Fate::Sent));
                if matches!(fate, Fate::Later) {
                    self.held.remove(&id);
                } else {
                    self.over.push((id, claimed_until));
                }
            }
            Done::PutOff => {
                self.busy -= 1;
                self.doorward.queue.look_again();
            }
            Done::Released(count) => {
                self.is_releasing = false;
                self.busy -= count;
                self.doorward.queue.look_again();
            }
            Done::Removed(batch) => {
                self.is_removing = false;
                for id in batch {
                    self.held.remove(&id);
                }
            }
            Done::Claimed(claimed) => {
                self.is_claiming = false;
                self.claimed(claimed);
            }
            Done::Promised => {}
        }
    }

    fn looked(&mut self, batch: Vec<Waiting>, found: Result<Vec<Live>>) {
        let doorward = self.doorward;
        match found {
            Ok(found) => {
                for waiting in batch {
                    let code = waiting.code.as_ref();
                    let live = code.and_then(|id| found.iter().find(|live| live.id == *id));
                    let live = live.cloned();
                    self.ready.push_back((waiting, live));
                }
            }
            Err(error) => {
                tracing::warn!(error = %Escaped(&error), "mail could not be prepared");
                for waiting in batch {
                    self.held.remove(&waiting.id);
                    let step = postpone(doorward, waiting).map(|()| Done::PutOff);
                    self.steps.push(step.boxed());
                }
            }
        }
    }

    fn claimed(&mut self, claimed: Result<Vec<Waiting>>) {
        let queue = &self.doorward.queue;
        match claimed {
            // What is under way still ends as it should.
            Err(error) => self.failure = Some(error),
            Ok(claimed) if claimed.is_empty() => {}
            Ok(claimed) => {
                let held = &self.held;
                let free = claimed
                    .into_iter()
                    .filter(|waiting| !held.contains(&waiting.id));
                queue.push_first(free);
                queue.look_again();
            }
        }
    }
}

/// Finds out which of the codes that are to be mailed are live, and who holds their addresses.
async fn look(doorward: &Doorward, batch: Vec<Waiting>) -> Done {
    let codes: Vec<_> = batch.iter().filter_map(|waiting| waiting.code).collect();
    let found = if codes.is_empty() {
        Ok(Vec::new())
    } else {
        live(doorward, &codes, doorward.clock.now()).await
    };
    Done::Looked(batch, found)
}

async fn clear(doorward: &Doorward, batch: Vec<MessageId>) -> Done {
    if let Err(error) = remove(doorward, &batch).await {
        // The claims run out, and they are tried again: twice rather than never.
        tracing::warn!(messages = batch.len(), error = %Escaped(&error), "what became of mail could not be written");
    }
    Done::Removed(batch)
}

async fn deliver(doorward: &Doorward, waiting: Waiting, live: Option<Live>) -> Done {
    let (id, claimed_until) = (waiting.id, waiting.claimed_until);
    let sent = send(doorward, &waiting, live, doorward.clock.now()).await;
    let fate = sent.unwrap_or_else(|error| {
        tracing::warn!(message = %id, error = %Escaped(&error), "mail could not be prepared");
        Fate::Later
    });
    match fate {
        Fate::Later => postpone(doorward, waiting).await,
        Fate::Sent => _ = doorward.metrics.mail_sent.inc(),
        Fate::Dropped(why) => {
            tracing::info!(message = %id, why, "mail was dropped");
            doorward.metrics.mail_dropped.inc();
        }
    }
    Done::Met(id, claimed_until, fate)
}

async fn postpone(doorward: &Doorward, waiting: Waiting) {
    doorward.metrics.mail_deferred.inc();
    if let Err(error) = defer(doorward, &waiting, doorward.clock.now()).await {
        tracing::warn!(message = %waiting.id, error = %Escaped(&error), "what became of mail could not be written");
    }
}

/// Leaves messages to whoever claims them next: this process ends, or they have waited for so long that their claims may run out
/// while they are sent, and others may send them then.
async fn give_up(doorward: &Doorward, batch: Vec<Waiting>) -> Done {
    if let Err(error) = release(doorward, &batch).await {
        // The claims run out by themselves.
        tracing::warn!(messages = batch.len(), error = %Escaped(&error), "claims of mail could not be released");
    }
    Done::Released(batch.len())
}

async fn send(
    doorward: &Doorward,
    waiting: &Waiting,
    live: Option<Live>,
    now: Timestamp,
) -> Result<Fate> {
    if waiting.expires_at <= now {
        return Ok(Fate::Dropped("too late"));
    }
    if waiting.code.is_some() && live.is_none() {
        return Ok(Fate::Dropped("the code was used or replaced"));
    }
    let Some(plain) = doorward
        .keys
        .outbox
        .open(waiting.id.as_bytes(), &waiting.payload)
    else {
        return Ok(Fate::Dropped("sealed under another key"));
    };
    let payload: Payload =
        serde_json::from_slice(&plain).map_err(|error| Error::Internal(error.into()))?;
    let holder = match live {
        Some(live) => live.holder,
        None if waiting.kind == Kind::ToHolder => {
            users::by_address(&mut &doorward.db, &payload.to).await?
        }
        None => None,
    };
    let Some((to, notice, locale)) = letter(doorward, waiting.kind, payload, holder) else {
        return Ok(Fate::Dropped("nobody to send it to"));
    };
    let brand = Brand::of(&doorward.config);
    let rendered = notice.render(&brand, locale.unwrap_or(doorward.config.locale));
    let message = Message {
        id: waiting.id.to_string(),
        to,
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        at: now,
    };
    let told = timeout(TO_MAIL, doorward.mailer.send(&message)).await;
    match told.unwrap_or_else(|_| Err(SendError::Temporary("the mailer does not answer".into()))) {
        Ok(()) => Ok(Fate::Sent),
        Err(SendError::Permanent(why)) => {
            tracing::warn!(message = %waiting.id, why = %Escaped(&why), "mail was refused for good");
            Ok(Fate::Dropped("refused for good"))
        }
        Err(SendError::Temporary(why)) => {
            tracing::warn!(message = %waiting.id, why = %Escaped(&why), "mail has to wait");
            Ok(Fate::Later)
        }
    }
}

/// What is said to whom and in which language; `None` when nothing is said to anyone.
///
/// What is for an account goes to the address as it was proved, never to the spelling that someone typed.
fn letter(
    doorward: &Doorward,
    kind: Kind,
    payload: Payload,
    holder: Option<Account>,
) -> Option<(Address, Notice, Option<Locale>)> {
    let Payload { to, notice, locale } = payload;
    match (kind, holder) {
        (Kind::SignIn | Kind::ToHolder, Some(holder)) if holder.is_active() => {
            Some((holder.user.email, notice, holder.user.locale))
        }
        (Kind::SignIn, None) if users::accepts_stranger(doorward, &to) => {
            Some((to, notice, locale))
        }
        (Kind::Notice, _) | (Kind::NewAddress, None) => Some((to, notice, locale)),
        (Kind::NewAddress, Some(holder)) => {
            Some((holder.user.email, Notice::EmailTaken, holder.user.locale))
        }
        _ => None,
    }
}
