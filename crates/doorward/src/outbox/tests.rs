use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::{
    Span,
    testing::{MailServer, World},
};

/// A mail server that is slower than a claim lasts does not get a message twice from the one server that sends it.
#[tokio::test]
async fn a_message_that_outlives_its_claim_is_not_sent_beside_itself() {
    let world = World::new().await;
    let doorward = world.doorward().clone();
    world.mail_server(MailServer::Silent);
    let ask = json!({ "email": "ada@example.com" });
    world.native().post("/auth/verify", ask).await.created();
    let mut delivering = Box::pin(doorward.deliver_mail());
    let mut hangs = async || timeout(Duration::from_millis(200), &mut delivering).await;
    assert!(hangs().await.is_err());

    world.mail_server(MailServer::Up);
    world.advance(Span::minutes(2));
    doorward.queue.look_again();
    doorward.mail_due.notify_one();

    assert!(hangs().await.is_err());
    assert_eq!(world.mailbox().messages(), []);
}
