//! Which names belong to one owner.
//!
//! Two names of one zone are servers of one service, unless anybody can have a name in that zone. The
//! whole list of such zones is the Public Suffix List; here are those of dynamic names, tunnels and
//! hosting that are met most, and the second levels of countries.

/// Zones in which anybody can have a name, by the Public Suffix List (publicsuffix.org, private section)
/// and the providers' own pages.
const ANYBODYS: &[&str] = &[
    // Dynamic names.
    "ddns.net",
    "ddnsfree.com",
    "duckdns.org",
    "dyndns.org",
    "dynu.net",
    "freeddns.org",
    "hopto.org",
    "mooo.com",
    "myddns.me",
    "myftp.org",
    "no-ip.biz",
    "no-ip.org",
    "noip.me",
    "redirectme.net",
    "servebeer.com",
    "serveblog.net",
    "serveftp.com",
    "servehttp.com",
    "sytes.net",
    "theworkpc.com",
    "zapto.org",
    // Tunnels.
    "devtunnels.ms",
    "loca.lt",
    "ngrok.app",
    "ngrok.io",
    "ngrok-free.app",
    "ngrok-free.dev",
    "portmap.io",
    "serveo.net",
    "trycloudflare.com",
    // Hosting.
    "appspot.com",
    "azureedge.net",
    "azurewebsites.net",
    "b-cdn.net",
    "blogspot.com",
    "cloudapp.net",
    "cloudfront.net",
    "fastly.net",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "netlify.app",
    "onrender.com",
    "pages.dev",
    "r2.dev",
    "railway.app",
    "repl.co",
    "s3.amazonaws.com",
    "vercel.app",
    "web.app",
    "wixsite.com",
    "workers.dev",
];
/// What stands before the two letters of a country where its names are handed out by kind.
const KINDS: &[&str] = &[
    "ac", "co", "com", "edu", "gob", "gov", "ne", "net", "or", "org",
];

/// The zone of a name that one owner has: `cdn.example` of `a.cdn.example`; `None` for a name directly
/// below a top level or in a zone of anybody's.
pub fn zone(name: &str) -> Option<&str> {
    let (_, zone) = name.split_once('.')?;
    (zone.contains('.') && !is_anybodys(zone)).then_some(zone)
}

fn is_anybodys(zone: &str) -> bool {
    let of_a_country = zone
        .split_once('.')
        .is_some_and(|(kind, country)| country.len() == 2 && KINDS.contains(&kind));
    of_a_country || ANYBODYS.contains(&zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_owner_share_a_zone_and_those_of_anybody_do_not() {
        assert_eq!(zone("a.cdn.example"), Some("cdn.example"));
        assert_eq!(zone("a.shop.co.uk"), Some("shop.co.uk"));
        assert_eq!(zone("x.aaa.duckdns.org"), Some("aaa.duckdns.org"));
        for alone in [
            "shop.example",
            "shop.co.uk",
            "aaa.duckdns.org",
            "x.ngrok.io",
            "host",
        ] {
            assert_eq!(zone(alone), None, "{alone}");
        }
    }
}
