//! What people call the work of a program, and what programs that do it are called.
//!
//! Users do not know the names of Deployments: they miss texts, not `sms-gateway`. A meaning only
//! ranks what is wrong where nothing is named; it never finds an object.

use super::parse::Word;
use super::text::fold;

/// Words, or two in a row, that people use, and parts of names that mean the same, as stems.
const MEANINGS: &[(&[&str], &[&str])] = &[
    (&["text message", "text messages", "texts", "texted", "sms"], &["sms", "text", "texting", "twilio"]),
    (
        &["mail", "mails", "email", "emails", "e-mail", "e-mails", "mailed", "newsletter", "inbox"],
        &["mail", "mailer", "email", "smtp", "postfix", "newsletter"],
    ),
    (&["push notification", "push notifications"], &["push", "notifier", "notification", "fcm", "apn"]),
    (
        &[
            "log in",
            "logs in",
            "logging in",
            "logged out",
            "login",
            "logins",
            "sign in",
            "signing in",
            "password",
        ],
        &["auth", "login", "sso", "identity", "idp", "oauth", "oidc", "keycloak", "signin", "account"],
    ),
    (
        &["pay", "paying", "paid", "payment", "payments", "card", "cards", "charged"],
        &["pay", "payment", "billing", "card", "charge", "stripe"],
    ),
    (&["bill", "bills", "billed", "invoice", "invoices"], &["invoice", "invoicing", "billing"]),
    (&["basket", "baskets", "cart", "carts"], &["cart", "basket"]),
    (&["buy", "buying", "purchase", "purchases"], &["checkout", "order", "purchase"]),
    (
        &[
            "picture",
            "pictures",
            "photo",
            "photos",
            "image",
            "images",
            "avatar",
            "avatars",
            "thumbnail",
            "thumbnails",
        ],
        &["image", "img", "photo", "picture", "thumbnail", "thumb", "avatar", "media"],
    ),
    (
        &["video", "videos", "clip", "clips"],
        &["video", "transcode", "transcoder", "encoder", "clip", "media"],
    ),
    (
        &["upload", "uploads", "uploading", "attachment", "attachments"],
        &["upload", "uploader", "attachment", "file", "media"],
    ),
    (&["search", "searching"], &["search", "elasticsearch", "opensearch", "solr", "index", "indexer"]),
    (
        &["highscore", "highscores", "high scores", "score", "scores", "ranking", "rankings", "leaderboard"],
        &["score", "highscore", "ranking", "leaderboard"],
    ),
    (&["print", "prints", "printing", "printed", "printer"], &["print", "printer", "printing", "label"]),
    (&["pdf", "pdfs"], &["pdf", "renderer", "document"]),
    (&["price", "prices", "quote", "quotes"], &["price", "pricing", "quote"]),
    (&["booking", "bookings", "reservation", "reservations"], &["booking", "reservation"]),
    (&["chat", "chats", "chatting"], &["chat", "messaging", "message"]),
    (&["translation", "translations", "translated"], &["translation", "translate", "i18n"]),
    (&["map", "maps"], &["map", "tile", "geo"]),
    (&["forecast", "forecasts", "weather"], &["forecast", "weather"]),
];

/// Parts of names that mean what these words mean.
pub(super) fn of(words: &[Word]) -> Vec<&'static str> {
    let folded: Vec<String> = words.iter().map(|word| fold(&word.text)).collect();
    let pairs: Vec<String> = words
        .windows(2)
        .zip(folded.windows(2))
        .filter_map(|(words, texts)| match (words, texts) {
            ([a, b], [first, second]) if a.clause == b.clause => Some(format!("{first} {second}")),
            _ => None,
        })
        .collect();
    let said = |word: &&str| folded.iter().chain(&pairs).any(|text| text.as_str() == *word);
    let meant = MEANINGS.iter().filter(|(words, _)| words.iter().any(&said));
    meant.flat_map(|(_, parts)| parts.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    #[test]
    fn words_and_pairs_of_one_clause_have_meanings() {
        let meant = |text: &str| of(&parse(text).words);
        assert!(meant("text messages aren't going out").contains(&"sms"));
        assert!(meant("Highscores haven't moved").contains(&"leaderboard"));
        assert!(meant("the form asks for text. messages are fine").is_empty());
        assert!(meant("checkout is slow").is_empty());
    }
}
