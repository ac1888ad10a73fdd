//! What the bot's django-redis stores: `pickle.dumps(value, protocol)`, by Python 3.11.

use redis_state_vimbiso::keys::{self, CachedUserKeys};
use support::Client;

/// The five values of a user, as in [`crate::import::folded`], in each protocol: the state, the
/// stage, the option, the direction and the token.
const USER: [[&[u8]; 5]; 6] = [
    [
        b"(dp0\nVprofile\np1\n(dp2\nVmember\np3\n(dp4\nVmemberID\np5\nV7d1f\np6\nsVmemberTier\np7\
            \nI2\nsssVcurrent_account\np8\n(dp9\nsVpage_number\np10\nI2\ns.",
        b"Vhandle_action_offer_credex\np0\n.",
        b"Vhandle_action_notifications\np0\n.",
        b"VIN\np0\n.",
        b"VeyJhbGciOi.c2VjcmV0\np0\n.",
    ],
    [
        b"}q\x00(X\x07\x00\x00\x00profileq\x01}q\x02X\x06\x00\x00\x00memberq\x03}q\x04(X\x08\x00\
            \x00\x00memberIDq\x05X\x04\x00\x00\x007d1fq\x06X\n\x00\x00\x00memberTierq\x07K\x02usX\
            \x0f\x00\x00\x00current_accountq\x08}q\x09X\x0b\x00\x00\x00page_numberq\nK\x02u.",
        b"X\x1a\x00\x00\x00handle_action_offer_credexq\x00.",
        b"X\x1b\x00\x00\x00handle_action_notificationsq\x00.",
        b"X\x02\x00\x00\x00INq\x00.",
        b"X\x13\x00\x00\x00eyJhbGciOi.c2VjcmV0q\x00.",
    ],
    [
        b"\x80\x02}q\x00(X\x07\x00\x00\x00profileq\x01}q\x02X\x06\x00\x00\x00memberq\x03}q\x04(X\
            \x08\x00\x00\x00memberIDq\x05X\x04\x00\x00\x007d1fq\x06X\n\x00\x00\x00memberTierq\x07K\
            \x02usX\x0f\x00\x00\x00current_accountq\x08}q\x09X\x0b\x00\x00\x00page_numberq\nK\x02u.",
        b"\x80\x02X\x1a\x00\x00\x00handle_action_offer_credexq\x00.",
        b"\x80\x02X\x1b\x00\x00\x00handle_action_notificationsq\x00.",
        b"\x80\x02X\x02\x00\x00\x00INq\x00.",
        b"\x80\x02X\x13\x00\x00\x00eyJhbGciOi.c2VjcmV0q\x00.",
    ],
    [
        b"\x80\x03}q\x00(X\x07\x00\x00\x00profileq\x01}q\x02X\x06\x00\x00\x00memberq\x03}q\x04(X\
            \x08\x00\x00\x00memberIDq\x05X\x04\x00\x00\x007d1fq\x06X\n\x00\x00\x00memberTierq\x07K\
            \x02usX\x0f\x00\x00\x00current_accountq\x08}q\x09X\x0b\x00\x00\x00page_numberq\nK\x02u.",
        b"\x80\x03X\x1a\x00\x00\x00handle_action_offer_credexq\x00.",
        b"\x80\x03X\x1b\x00\x00\x00handle_action_notificationsq\x00.",
        b"\x80\x03X\x02\x00\x00\x00INq\x00.",
        b"\x80\x03X\x13\x00\x00\x00eyJhbGciOi.c2VjcmV0q\x00.",
    ],
    [
        b"\x80\x04\x95d\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x07profile\x94}\x94\x8c\x06member\
            \x94}\x94(\x8c\x08memberID\x94\x8c\x047d1f\x94\x8c\nmemberTier\x94K\x02us\x8c\x0fcurrent\
            _account\x94}\x94\x8c\x0bpage_number\x94K\x02u.",
        b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x1ahandle_action_offer_credex\x94.",
        b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x1bhandle_action_notifications\x94.",
        b"\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00\x8c\x02IN\x94.",
        b"\x80\x04\x95\x17\x00\x00\x00\x00\x00\x00\x00\x8c\x13eyJhbGciOi.c2VjcmV0\x94.",
    ],
    [
        b"\x80\x05\x95d\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x07profile\x94}\x94\x8c\x06member\
            \x94}\x94(\x8c\x08memberID\x94\x8c\x047d1f\x94\x8c\nmemberTier\x94K\x02us\x8c\x0fcurrent\
            _account\x94}\x94\x8c\x0bpage_number\x94K\x02u.",
        b"\x80\x05\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x1ahandle_action_offer_credex\x94.",
        b"\x80\x05\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x1bhandle_action_notifications\x94.",
        b"\x80\x05\x95\x06\x00\x00\x00\x00\x00\x00\x00\x8c\x02IN\x94.",
        b"\x80\x05\x95\x17\x00\x00\x00\x00\x00\x00\x00\x8c\x13eyJhbGciOi.c2VjcmV0\x94.",
    ],
];

/// `{"channel": …, "auth": …, "current": …, "dashboard": …}` in the protocols 0, 2 and 4.
pub(crate) const CHANNEL: [&[u8]; 3] = [
    b"(dp0\nVchannel\np1\n(dp2\nVtype\np3\nVwhatsapp\np4\nsVidentifier\np5\nV+263771234567\np6\nss\
        Vauth\np7\n(dp8\nVtoken\np9\nVeyJhbGciOi.c2VjcmV0\np10\nssVdashboard\np11\n(dp12\nVbalance\n\
        p13\nF12.5\nssVcurrent\np14\n(dp15\nVpath\np16\nVoffer\np17\nsVcomponent\np18\nVConfirmOffer\
        \np19\nsVdata\np20\n(dp21\nVamount\np22\nI5\nssVcomponent_result\np23\nNss.",
    b"\x80\x02}q\x00(X\x07\x00\x00\x00channelq\x01}q\x02(X\x04\x00\x00\x00typeq\x03X\x08\x00\x00\
        \x00whatsappq\x04X\n\x00\x00\x00identifierq\x05X\x0d\x00\x00\x00+263771234567q\x06uX\x04\x00\
        \x00\x00authq\x07}q\x08X\x05\x00\x00\x00tokenq\x09X\x13\x00\x00\x00eyJhbGciOi.c2VjcmV0q\nsX\
        \x09\x00\x00\x00dashboardq\x0b}q\x0cX\x07\x00\x00\x00balanceq\x0dG@)\x00\x00\x00\x00\x00\x00\
        sX\x07\x00\x00\x00currentq\x0e}q\x0f(X\x04\x00\x00\x00pathq\x10X\x05\x00\x00\x00offerq\x11X\
        \x09\x00\x00\x00componentq\x12X\x0c\x00\x00\x00ConfirmOfferq\x13X\x04\x00\x00\x00dataq\x14}q\
        \x15X\x06\x00\x00\x00amountq\x16K\x05sX\x10\x00\x00\x00component_resultq\x17Nuu.",
    b"\x80\x04\x95\xed\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x07channel\x94}\x94(\x8c\x04type\x94\
        \x8c\x08whatsapp\x94\x8c\nidentifier\x94\x8c\x0d+263771234567\x94u\x8c\x04auth\x94}\x94\x8c\
        \x05token\x94\x8c\x13eyJhbGciOi.c2VjcmV0\x94s\x8c\x09dashboard\x94}\x94\x8c\x07balance\x94G@\
        )\x00\x00\x00\x00\x00\x00s\x8c\x07current\x94}\x94(\x8c\x04path\x94\x8c\x05offer\x94\x8c\x09\
        component\x94\x8c\x0cConfirmOffer\x94\x8c\x04data\x94}\x94\x8c\x06amount\x94K\x05s\x8c\x10co\
        mponent_result\x94Nuu.",
];

/// The keys of a user in the middle of an offer, each with an expiry; returns the latest.
pub(crate) fn leave_behind(client: &mut Client, prefix: &str, mobile: &str, protocol: usize) -> i64 {
    let old = CachedUserKeys::new(&keys::django(prefix, 1, mobile));
    let names = [&old.state, &old.stage, &old.option, &old.direction, &old.jwt_token];
    for (key, value) in names.into_iter().zip(USER[protocol]) {
        client.ok(&[&b"SET"[..], key.as_bytes(), value, b"PX", b"280000"]);
    }
    client.ok(&["PEXPIRE", &old.stage, "290000"]);
    client.ok(&["PEXPIRETIME", &old.stage]).int()
}
