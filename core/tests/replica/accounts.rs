use altair_core::{Altair, Config, ErrorKind};
use altair_protocol::DeviceId;
use altair_protocol::sync::Paired;

use super::server::Server;
use super::{Device, sync_id};

#[tokio::test]
async fn a_store_belongs_to_one_household() {
    let (home, work) = (Server::new(), Server::of("Work", 2));
    let mut device = Device::of(&home, 1).await;
    let refused = device.replica.log_in("http://localhost:2", device.paired(&work).await).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.message().contains("Home"), "{refused}");
    device.replica.log_out().await.unwrap();
    device.restart().await;
    assert_eq!(device.replica.logged_in().await.unwrap(), None);
    let refused = device.replica.log_in("http://localhost:2", device.paired(&work).await).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "its notes are still the first one's");
    device.replica.log_in("http://localhost:3", device.paired(&home).await).await.unwrap();
    assert_eq!(device.replica.logged_in().await.unwrap().unwrap().server, "http://localhost:3");
}

#[tokio::test]
async fn a_token_for_another_device_is_refused() {
    let server = Server::new();
    let device = Device::alone(1).await;
    let paired = Paired { device: DeviceId::v7(7, [7; 10]), ..device.paired(&server).await };
    assert_eq!(device.replica.log_in("http://localhost:1", paired).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(device.replica.logged_in().await.unwrap(), None);
    assert!(device.replica.configuration("test").await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_outlives_its_process_and_isnt_in_a_backup() {
    let mut server = Server::new();
    let mut device = Device::of(&server, 1).await;
    device.note("Fence", "white").await;
    device.settle(&mut server).await;
    device.replica.set_clock(86_400_000).await.unwrap();
    device.restart().await;
    let account = device.replica.logged_in().await.unwrap().unwrap();
    assert_eq!((account.cursor, account.ahead, account.token.as_str()), (sync_id(1), 86_400_000, "a secret token"));
    assert!(!format!("{account:?}").contains("secret"));
    // Stamps are the server's.
    let id = device.note("Later", "").await;
    let made = device.get(id).await.unwrap().updated_at.millis();
    assert!(made > super::START.cast_signed() + 86_000_000, "{made}");

    let file = device.folder.path().join("backup");
    device.backup(&file).await.unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains("secret"));
    let config = Config::new(device.folder.path().join("restored"));
    Altair::restore_backup(config.clone(), &file).await.unwrap();
    let restored = Altair::open(config).await.unwrap();
    let replica = restored.replica().unwrap();
    assert_eq!(replica.logged_in().await.unwrap(), None);
    let id: DeviceId = restored.status().await.unwrap().device.parse().unwrap();
    let paired = Paired { device: id, ..device.paired(&server).await };
    replica.log_in("http://localhost:1", paired).await.unwrap();
    assert!(replica.configuration("test").await.unwrap().unwrap().brings_states);
    assert_eq!(restored.apply(Vec::new()).await.unwrap_err().kind(), ErrorKind::Refused);
    restored.close().await.unwrap();
}
