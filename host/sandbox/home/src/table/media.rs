//! The media apps: plex and what surrounds it.

use super::template;
use crate::app::{
    App,
    Controller::{CronJob, Deployments},
};

pub(super) fn apps() -> Vec<App> {
    vec![
        template(
            "media",
            "plex",
            "ghcr.io/home-operations/plex:1.42.2.10156",
            32400,
        )
        .backed_up("50Gi", "40Gi")
        .scaled(),
        template(
            "media",
            "jellyfin",
            "ghcr.io/jellyfin/jellyfin:10.11.5",
            8096,
        )
        .backed_up("30Gi", "10Gi")
        .scaled(),
        template(
            "media",
            "immich",
            "ghcr.io/immich-app/immich-server:v2.3.1",
            2283,
        )
        .run_by(Deployments(&[
            ("immich-server", 1),
            ("immich-machine-learning", 1),
        ]))
        .scaled_at("immich-server")
        .after(&["database/cnpg-immich17", "database/dragonfly-cluster"]),
        template(
            "media",
            "radarr",
            "ghcr.io/home-operations/radarr:6.0.4.10291",
            7878,
        )
        .backed_up("5Gi", "1Gi")
        .scaled(),
        template(
            "media",
            "sonarr",
            "ghcr.io/home-operations/sonarr:4.0.16.2946",
            8989,
        )
        .backed_up("5Gi", "1Gi")
        .scaled(),
        template(
            "media",
            "lidarr",
            "ghcr.io/home-operations/lidarr:3.1.1.4884",
            8686,
        )
        .backed_up("5Gi", "1Gi")
        .scaled(),
        template(
            "media",
            "prowlarr",
            "ghcr.io/home-operations/prowlarr:2.3.1.5238",
            9696,
        )
        .backed_up("2Gi", "1Gi"),
        template(
            "media",
            "bazarr",
            "ghcr.io/home-operations/bazarr:1.5.3",
            6767,
        )
        .backed_up("5Gi", "1Gi")
        .scaled(),
        template(
            "media",
            "qbittorrent",
            "ghcr.io/home-operations/qbittorrent:5.1.4",
            8080,
        )
        .backed_up("2Gi", "1Gi")
        .scaled(),
        template(
            "media",
            "sabnzbd",
            "ghcr.io/home-operations/sabnzbd:4.5.5",
            8080,
        )
        .backed_up("2Gi", "1Gi")
        .scaled(),
        template(
            "media",
            "audiobookshelf",
            "ghcr.io/advplyr/audiobookshelf:2.31.0",
            13378,
        )
        .backed_up("10Gi", "1Gi")
        .scaled(),
        template(
            "media",
            "tautulli",
            "ghcr.io/home-operations/tautulli:2.16.0",
            8181,
        )
        .backed_up("5Gi", "1Gi"),
        template("media", "seerr", "ghcr.io/seerr-team/seerr:v2.7.3", 5055).backed_up("5Gi", "1Gi"),
        template("media", "autobrr", "ghcr.io/autobrr/autobrr:v1.70.0", 7474)
            .backed_up("1Gi", "1Gi"),
        template("media", "kometa", "docker.io/kometateam/kometa:v2.2.2", 0)
            .run_by(CronJob("0 5 * * *"))
            .backed_up("3Gi", "1Gi"),
        template("media", "recyclarr", "ghcr.io/recyclarr/recyclarr:7.5.2", 0)
            .run_by(CronJob("15 0 * * *"))
            .backed_up("1Gi", "1Gi"),
        template("media", "kavita", "ghcr.io/kareadita/kavita:0.8.8", 5000).scaled(),
        template("media", "tqm", "ghcr.io/home-operations/tqm:1.17.0", 0)
            .run_by(CronJob("0 * * * *")),
        template(
            "media",
            "unpackerr",
            "ghcr.io/unpackerr/unpackerr:0.14.5",
            5656,
        ),
        template(
            "media",
            "cross-seed",
            "ghcr.io/cross-seed/cross-seed:6.13.6",
            2468,
        ),
        template(
            "media",
            "maintainerr",
            "ghcr.io/jorenn92/maintainerr:2.24.0",
            6246,
        ),
        template(
            "media",
            "pinchflat",
            "ghcr.io/kieraneglin/pinchflat:v2025.9.26",
            8945,
        ),
    ]
}
