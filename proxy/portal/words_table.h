/* words_table: see words.h. Sentences of German say "Sie"; a gap is never declined. */
#ifndef PROXY_PORTAL_WORDS_TABLE_H
#define PROXY_PORTAL_WORDS_TABLE_H

#define WORDS_TABLE(X)                                                                             \
    WORDS_FRAME(X)                                                                                 \
    WORDS_LOGIN(X)                                                                                 \
    WORDS_LAUNCHER(X)                                                                              \
    WORDS_REFUSED(X)                                                                               \
    WORDS_CAUSES(X)                                                                                \
    WORDS_DEVICE(X)                                                                                \
    WORDS_FORMS(X)                                                                                 \
    WORDS_APPROVALS(X)                                                                             \
    WORDS_LOGOUT(X)                                                                                \
    WORDS_ERRORS(X)                                                                                \
    WORDS_TIMES(X)

#define WORDS_FRAME(X)                                                                             \
    X(SKIP, "Skip to the main part", "Zum Hauptteil springen")                                     \
    X(SIGNED_IN_AS, "Signed in as {}", "Angemeldet als {}")                                        \
    X(SIGN_OUT, "Sign out", "Abmelden")                                                            \
    X(SIGN_IN, "Sign in", "Anmelden")                                                              \
    X(REASON, "Reason", "Grund")                                                                   \
    X(REQUEST, "Request", "Vorgang")                                                               \
    X(CONTACT, "Contact", "Kontakt")                                                               \
    X(TRY_AGAIN, "Try again", "Erneut versuchen")                                                  \
    X(BACK_TO_APPS, "Back to your apps", "Zurück zu Ihren Apps")                                   \
    X(GO_BACK, "Go back", "Zurück")                                                                \
    X(ON_THE_WAY_TO, "to continue to {}", "um mit {} fortzufahren")                                \
    X(RETRY_AFTER, "Please wait {}, then try again.",                                              \
      "Bitte warten Sie {} und versuchen Sie es "                                                  \
      "dann erneut.")

#define WORDS_LOGIN(X)                                                                              \
    X(CHOOSE_TITLE, "How do you want to sign in?", "Wie möchten Sie sich anmelden?")                \
    X(CHOOSE_LIST, "Ways to sign in", "Anmeldewege")                                                \
    X(CHOOSE_OR, "or by mail address", "oder über die E-Mail-Adresse")                              \
    X(CHOOSE_NEXT, "Continue", "Weiter")                                                            \
    X(CHOOSE_HINT, "Its part after the @ shows the way.",                                           \
      "Der Teil nach dem @ führt zum richtigen Anmeldeweg.")                                        \
    X(CHOOSE_UNKNOWN, "No way to sign in is set up for this address. Check it, or choose above.",   \
      "Für diese Adresse ist kein Anmeldeweg eingerichtet. Prüfen Sie sie oder wählen Sie oben.")   \
    X(CHOOSE_UNKNOWN_ALONE, "No way to sign in is set up for this address. Check the spelling.",    \
      "Für diese Adresse ist kein Anmeldeweg eingerichtet. Prüfen Sie die Schreibweise.")           \
    X(EMAIL, "Mail address", "E-Mail-Adresse")                                                      \
    X(PASSWORD, "Password", "Passwort")                                                             \
    X(PIN_BY_MAIL, "Mail me a one-time PIN instead",                                                \
      "Stattdessen eine Einmal-PIN per E-Mail "                                                     \
      "senden")                                                                                     \
    X(PIN_TITLE, "Check your mail", "Sehen Sie in Ihre E-Mail")                                     \
    X(PIN_SENT, "If {} may sign in with a PIN, one is on its way. It is good for ten minutes.",     \
      "Wenn {} sich mit einer PIN anmelden darf, ist eine unterwegs. Sie gilt zehn Minuten.")       \
    X(PIN_LABEL, "One-time PIN", "Einmal-PIN")                                                      \
    X(PIN_HINT, "Eight digits from the mail.", "Acht Ziffern aus der E-Mail.")                      \
    X(PIN_AGAIN, "Mail a new PIN", "Neue PIN senden")                                               \
    X(BUILTIN_REFUSED, "The mail address or the password is not right.",                            \
      "E-Mail-Adresse oder Passwort stimmt nicht.")                                                 \
    X(BUILTIN_DISABLED,                                                                             \
      "This account is disabled, and nobody signs in with it. Ask those who look after accounts "   \
      "here.",                                                                                      \
      "Dieses Konto ist gesperrt, niemand meldet sich damit an. Fragen Sie die, die hier die "      \
      "Konten verwalten.")                                                                          \
    X(BUILTIN_PIN, "This PIN is not right, or it is too old. Ask for a new one.",                   \
      "Diese PIN stimmt nicht oder ist zu alt. Fordern Sie eine neue an.")                          \
    X(BUILTIN_THROTTLED, "Too many attempts.", "Zu viele Versuche.")                                \
    X(BUILTIN_BUSY, "Many people sign in just now. Please try again in a moment.",                  \
      "Gerade melden sich viele an. Bitte versuchen Sie es gleich noch einmal.")                    \
    X(SIGNED_OFF_TITLE, "Sign in to go on", "Bitte melden Sie sich an")                             \
    X(SIGNED_OFF_TEXT, "You are not signed in, or your session has ended.",                         \
      "Sie sind nicht angemeldet, oder Ihre Sitzung ist beendet.")                                  \
    X(SIGNED_OFF_POST,                                                                              \
      "What you just sent did not reach the app, and it is not kept here. Go back in your "         \
      "browser "                                                                                    \
      "to copy it before you sign in, then send it once more.",                                     \
      "Was Sie gerade abgeschickt haben, hat die App nicht erreicht und wird hier nicht "           \
      "aufbewahrt. Gehen Sie im Browser zurück, um es zu kopieren, melden Sie sich an und "        \
      "schicken Sie es dann noch einmal ab.")                                                       \
    X(FAILED_TITLE, "Signing in did not work", "Die Anmeldung ist fehlgeschlagen")                  \
    X(FAILED_TEXT, "The sign-in could not be completed.",                                           \
      "Die Anmeldung konnte nicht "                                                                 \
      "abgeschlossen werden.")                                                                      \
    X(FAILED_STATE,                                                                                 \
      "The answer does not belong to a sign-in that this browser began, or it came too late. "      \
      "This "                                                                                       \
      "happens after a long pause, with an old bookmark, or when cookies are blocked.",             \
      "Die Antwort gehört zu keiner Anmeldung, die dieser Browser begonnen hat, oder sie kam zu "  \
      "spät. Das passiert nach einer langen Pause, mit einem alten Lesezeichen oder wenn Cookies " \
      "blockiert sind.")                                                                            \
    X(FAILED_LOOP,                                                                                  \
      "Your browser came back three times without a session. It seems not to keep our cookie: "     \
      "allow cookies for this site, or leave private mode, and try again.",                         \
      "Ihr Browser kam dreimal ohne Sitzung zurück. Er scheint unser Cookie nicht zu behalten: "   \
      "Erlauben Sie Cookies für diese Seite oder verlassen Sie den privaten Modus und versuchen "  \
      "Sie es erneut.")                                                                             \
    X(FAILED_DENIED, "The identity provider refused, or you cancelled there.",                      \
      "Der Identitätsanbieter hat abgelehnt, oder Sie haben dort abgebrochen.")                     \
    X(FAILED_INTERACTION, "The identity provider wants you to sign in there first.",                \
      "Der Identitätsanbieter verlangt, dass Sie sich dort zuerst anmelden.")                       \
    X(FAILED_ERROR, "The identity provider answered with an error.",                                \
      "Der Identitätsanbieter hat mit einem Fehler geantwortet.")                                   \
    X(FAILED_ISS, "The answer came from another identity provider than the one that was asked.",    \
      "Die Antwort kam von einem anderen Identitätsanbieter als dem gefragten.")                    \
    X(FAILED_CODE,                                                                                  \
      "The identity provider did not accept its own one-time code. It may have been "               \
      "used before.",                                                                               \
      "Der Identitätsanbieter hat seinen eigenen Einmalcode nicht angenommen. Vielleicht wurde "   \
      "er schon benutzt.")                                                                          \
    X(FAILED_UNREACHABLE, "The identity provider does not answer just now.",                        \
      "Der Identitätsanbieter antwortet gerade nicht.")                                             \
    X(FAILED_CHECK, "What the identity provider said about you could not be verified.",             \
      "Was der Identitätsanbieter über Sie mitteilt, ließ sich nicht prüfen.")                      \
    X(FAILED_FRESH,                                                                                 \
      "You have just signed in again, and that did not give what this app asks for: a fresher or "  \
      "stronger sign-in than the one that came back.",                                              \
      "Sie haben sich eben noch einmal angemeldet, und das ergab nicht, was diese App verlangt: "   \
      "eine frischere oder stärkere Anmeldung als die, die zurückkam.")                             \
    X(STILL_MISSING, "You have just signed in, and that did not give what this app asks for:",      \
      "Sie haben sich eben angemeldet, und das ergab nicht, was diese App verlangt:")               \
    X(FAILED_PERSON, "The identity provider now names another person.",                             \
      "Der Identitätsanbieter nennt jetzt eine andere Person.")                                     \
    X(FAILED_TICKET, "The way from the sign-in to the app took too long or was used before.",       \
      "Der Weg von der Anmeldung zur App dauerte zu lange oder wurde schon benutzt.")               \
    X(FAILED_FULL, "Too many sign-ins are under way.", "Zu viele Anmeldungen laufen gleichzeitig.")

#define WORDS_LAUNCHER(X)                                                                          \
    X(APPS_TITLE, "Your apps", "Ihre Apps")                                                        \
    X(APPS_WELCOME, "Welcome, {}", "Willkommen, {}")                                               \
    X(APPS_THROUGH, "signed in through {}", "angemeldet über {}")                                  \
    X(APPS_OPEN, "Ready to open", "Sofort verfügbar")                                              \
    X(APPS_CLOSED, "Needs something first", "Noch ein Schritt nötig")                              \
    X(APPS_NONE, "No app is open to you yet.", "Noch ist keine App für Sie offen.")                \
    X(APPS_NONE_HINT, "Ask whoever invited you, and name the address you signed in with.",         \
      "Fragen Sie, wer Sie eingeladen hat, und nennen Sie die Adresse, mit der Sie angemeldet "    \
      "sind.")                                                                                     \
    X(APPS_OPEN_UNTIL, "Open until {}", "Offen bis {}")                                            \
    X(APPS_MORE, "{} more are not shown.", "{} weitere werden nicht angezeigt.")                   \
    X(APPROVALS_LINK, "Approvals", "Freigaben")                                                    \
    X(APPROVALS_WAIT, "{} waiting", "{} offen")                                                    \
    X(SESSIONS_TITLE, "Where you are signed in", "Wo Sie angemeldet sind")                         \
    X(SESSIONS_THIS, "this browser", "dieser Browser")                                             \
    X(SESSIONS_SEEN, "last used {}", "zuletzt benutzt {}")                                         \
    X(SESSIONS_END, "End", "Beenden")                                                              \
    X(SESSIONS_END_LABEL, "End the session {}", "Sitzung beenden: {}")                             \
    X(AGENT_ON, "{} on ", "{} unter ")                                                             \
    X(AGENT_UNKNOWN, "Unknown browser", "Unbekannter Browser")                                     \
    X(DONE_SESSION_ENDED, "The session has ended.", "Die Sitzung ist beendet.")                    \
    X(DONE_PURPOSE, "Your purpose has been noted.", "Ihr Zweck ist vermerkt.")                     \
    X(DONE_REQUESTED, "Your request is with the approvers.",                                       \
      "Ihre Anfrage liegt bei den Freigebenden.")                                                  \
    X(DONE_WITHDRAWN, "Your request has been withdrawn.", "Ihre Anfrage ist zurückgezogen.")       \
    X(DONE_BREAK_GLASS, "Emergency access is open, and everyone concerned has been told.",         \
      "Der Notzugang ist offen, und alle Zuständigen sind benachrichtigt.")

#define WORDS_REFUSED(X)                                                                           \
    X(REFUSED_TITLE, "Access refused", "Zugriff verweigert")                                       \
    X(REFUSED_APP, "{} is not open to you", "{} ist für Sie nicht offen")                          \
    X(REFUSED_PAGE, "This page of {} is not open to you",                                          \
      "Diese Seite von {} ist für Sie nicht offen")                                                \
    X(NOT_YET_APP, "One more step to open {}", "Noch ein Schritt bis {}")                          \
    X(NOT_NOW_APP, "{} is not open just now", "{} ist gerade nicht offen")                         \
    X(NOT_YET_TITLE, "One more step", "Noch ein Schritt")                                          \
    X(NOT_NOW_TITLE, "Not just now", "Gerade nicht")                                               \
    X(WHY, "Why", "Warum")                                                                         \
    X(WHAT_TO_DO, "What you can do", "Was Sie tun können")                                         \
    X(DEFAULT_DENY, "No rule gives you access to this.",                                           \
      "Keine Regel gibt Ihnen hierauf Zugriff.")                                                   \
    X(DENY_RULE, "A rule of this organisation forbids this visit.",                                \
      "Eine Regel dieser Organisation verbietet diesen Besuch.")                                   \
    X(REQUIRE_FAILED, "A requirement for this app is not met.",                                    \
      "Eine Bedingung für diese App ist nicht erfüllt.")                                           \
    X(NO_POLICY, "Access cannot be decided just now.",                                             \
      "Über den Zugriff kann gerade nicht "                                                       \
      "entschieden werden.")                                                                       \
    X(DO_STEP_UP, "Confirm that it is you", "Identität bestätigen")                                \
    X(DO_SIGN_IN, "Sign in another way", "Anders anmelden")                                        \
    X(DO_APPROVAL, "Ask for approval", "Freigabe anfragen")                                        \
    X(DO_PURPOSE, "State your purpose", "Zweck angeben")                                           \
    X(DO_BREAK_GLASS, "Emergency access", "Notzugang")                                             \
    X(DO_CHECK_AGAIN, "Check again", "Erneut prüfen")                                              \
    X(DO_ASK, "Ask {}", "Fragen Sie {}")                                                           \
    X(DO_WAIT, "Opens {}", "Öffnet {}")                                                            \
    X(FRONT_STEP_UP, "Sign in again at {}, with a second factor. It has signed you in here.",      \
      "Melden Sie sich bei {} erneut an, mit einem zweiten Faktor. Dort wurden Sie angemeldet.")   \
    X(FRONT_SIGN_IN, "Sign out at {}, and in again. It has signed you in here.",                   \
      "Melden Sie sich bei {} ab und wieder an. Dort wurden Sie angemeldet.")                      \
    X(FRONT_PURPOSE,                                                                               \
      "This app asks for the purpose of a visit, and only people who sign in at this portal "      \
      "itself can state one.",                                                                     \
      "Diese App fragt nach dem Zweck eines Besuchs, und angeben können ihn nur Personen, die "   \
      "sich an diesem Portal selbst anmelden.")                                                    \
    X(FRONT_SIGN_OUT,                                                                              \
      "You were signed in by what stands in front of this portal: sign out there.",                \
      "Angemeldet hat Sie, was vor diesem Portal steht: Melden Sie sich dort ab.")                 \
    X(FRONT_LOOP,                                                                                  \
      "The portal knows who you are, but the app does not: it is reached by another way, on "      \
      "which nobody has signed you in.",                                                           \
      "Das Portal weiß, wer Sie sind, die App aber nicht: Sie ist auf einem anderen Weg "         \
      "erreichbar, auf dem Sie niemand angemeldet hat.")

#define WORDS_CAUSES(X)                                                                            \
    X(CAUSE_WHO, "A rule keeps you out of this app.", "Eine Regel hält Sie von dieser App fern.")  \
    X(CAUSE_PATH, "This part of the app is not open to you.",                                      \
      "Dieser Teil der App ist für Sie nicht offen.")                                              \
    X(CAUSE_METHOD, "What you wanted to do here is not open to you.",                              \
      "Was Sie hier tun wollten, ist für Sie nicht offen.")                                        \
    X(CAUSE_MFA, "A second factor is needed.", "Ein zweiter Faktor ist nötig.")                    \
    X(CAUSE_MFA_OLD, "The second factor was used too long ago.",                                   \
      "Der zweite Faktor liegt zu lange zurück.")                                                  \
    X(CAUSE_STRONGER, "A stronger way to sign in is needed.",                                      \
      "Eine stärkere Anmeldung ist nötig.")                                                        \
    X(CAUSE_LOGIN_OLD, "You signed in too long ago.", "Ihre Anmeldung liegt zu lange zurück.")     \
    X(CAUSE_ISSUER, "This app wants another way to sign in.",                                      \
      "Diese App verlangt einen anderen Anmeldeweg.")                                              \
    X(CAUSE_NETWORK, "This app is not open from your network.",                                    \
      "Diese App ist aus Ihrem Netz nicht offen.")                                                 \
    X(CAUSE_COUNTRY, "This app is not open from your country.",                                    \
      "Diese App ist aus Ihrem Land nicht offen.")                                                 \
    X(CAUSE_WHEN, "This app is open at other hours.", "Diese App ist zu anderen Zeiten offen.")    \
    X(CAUSE_EXPIRED, "Your access has expired.", "Ihr Zugang ist abgelaufen.")                     \
    X(CAUSE_NOT_STARTED, "Your access has not begun yet.", "Ihr Zugang hat noch nicht begonnen.")  \
    X(CAUSE_APPROVAL, "Somebody must approve first.", "Zuerst muss jemand zustimmen.")             \
    X(CAUSE_APPROVAL_OVER, "The approval has expired.", "Die Freigabe ist abgelaufen.")            \
    X(CAUSE_PURPOSE, "You must say what the visit is for.",                                        \
      "Sie müssen angeben, wozu der Besuch dient.")                                                \
    X(CAUSE_BREAK_GLASS, "It is open in an emergency alone.", "Dies ist nur im Notfall offen.")    \
    X(CAUSE_UNSURE, "Something about this visit could not be checked.",                            \
      "Etwas an diesem Besuch ließ sich nicht prüfen.")                                            \
    X(CAUSE_DEVICE_MISSING, "Nothing is known here about this device.",                            \
      "Über dieses Gerät ist hier nichts bekannt.")                                                \
    X(CAUSE_DEVICE_STALE, "The last report on this device is too old.",                            \
      "Der letzte Bericht über dieses Gerät ist zu alt.")                                          \
    X(CAUSE_DEVICE_CONFLICT, "Reports on this device contradict each other.",                      \
      "Berichte über dieses Gerät widersprechen sich.")                                            \
    X(CAUSE_CERTIFICATE, "The certificate that this device showed does not count here.",           \
      "Das Zertifikat dieses Geräts gilt hier nicht.")                                             \
    X(CAUSE_CERTIFICATE_OVER, "The certificate of this device is not valid now.",                  \
      "Das Zertifikat dieses Geräts ist zurzeit nicht gültig.")                                    \
    X(CAUSE_CERTIFICATE_REVOKED, "The certificate of this device has been revoked.",               \
      "Das Zertifikat dieses Geräts wurde widerrufen.")                                            \
    X(CAUSE_CERTIFICATE_UNCHECKED,                                                                 \
      "The certificate of this device cannot be checked at the moment.",                           \
      "Das Zertifikat dieses Geräts kann gerade nicht geprüft werden.")                            \
    X(CAUSE_POSTURE, "What this device says of itself was not accepted.",                          \
      "Was dieses Gerät über sich sagt, wurde nicht angenommen.")                                  \
    X(CAUSE_ATTRIBUTE, "This device does not meet a condition: {}.",                               \
      "Dieses Gerät erfüllt eine Bedingung nicht: {}.")                                            \
    X(CAUSE_ATTRIBUTE_MISSING, "Nothing reports this about the device: {}.",                       \
      "Über dieses Gerät wird nicht gemeldet: {}.")

#define WORDS_DEVICE(X)                                                                            \
    X(MANAGED, "device management", "Geräteverwaltung")                                            \
    X(COMPLIANT, "compliance", "Konformität")                                                      \
    X(DISK_ENCRYPTED, "disk encryption", "Festplattenverschlüsselung")                             \
    X(FIREWALL, "firewall", "Firewall")                                                            \
    X(SCREEN_LOCK, "screen lock", "Bildschirmsperre")                                              \
    X(SECURE_BOOT, "secure boot", "sicherer Systemstart")                                          \
    X(EDR_RUNNING, "endpoint protection", "Endgeräteschutz")                                       \
    X(JAILBROKEN, "jailbreak or root access", "Jailbreak oder Root-Zugriff")                       \
    X(OS, "operating system", "Betriebssystem")                                                    \
    X(OS_VERSION, "version of the operating system", "Version des Betriebssystems")                \
    X(BROWSER, "browser", "Browser")                                                               \
    X(BROWSER_VERSION, "version of the browser", "Version des Browsers")                           \
    X(PATCH_LEVEL, "security updates", "Sicherheitsupdates")                                       \
    X(OWNERSHIP, "ownership", "Eigentümer")                                                        \
    X(KEY_PROTECTION, "protection of the device key", "Schutz des Geräteschlüssels")               \
    X(RISK, "risk score", "Risikowert")                                                            \
    X(FIX_DEVICE, "Use a device that is enrolled here, or enrol this one.",                        \
      "Benutzen Sie ein hier angemeldetes Gerät, oder melden Sie dieses an.")                      \
    X(FIX_SEEN, "Let the device's agent report in, then check again.",                             \
      "Lassen Sie den Dienst auf dem Gerät neu berichten und prüfen Sie dann erneut.")             \
    X(FIX_MANAGED, "Enrol this device in device management.",                                      \
      "Melden Sie dieses Gerät in der Geräteverwaltung an.")                                       \
    X(FIX_COMPLIANT, "Bring this device in line with the rules of its management.",                \
      "Bringen Sie dieses Gerät in Einklang mit den Regeln seiner Verwaltung.")                    \
    X(FIX_DISK_ENCRYPTED, "Turn on disk encryption.",                                              \
      "Schalten Sie die Verschlüsselung der "                                                     \
      "Festplatte ein.")                                                                           \
    X(FIX_FIREWALL, "Turn on the firewall.", "Schalten Sie die Firewall ein.")                     \
    X(FIX_SCREEN_LOCK, "Let the screen lock itself.",                                              \
      "Richten Sie eine automatische Bildschirmsperre ein.")                                       \
    X(FIX_SECURE_BOOT, "Turn on secure boot.", "Schalten Sie den sicheren Systemstart ein.")       \
    X(FIX_EDR_RUNNING, "Start the endpoint protection.", "Starten Sie den Endgeräteschutz.")       \
    X(FIX_JAILBROKEN, "Use a device that is neither jailbroken nor rooted.",                       \
      "Benutzen Sie ein Gerät ohne Jailbreak und Root-Zugriff.")                                   \
    X(FIX_OS_VERSION, "Update the operating system: {}.",                                          \
      "Aktualisieren Sie das Betriebssystem: {}.")                                                 \
    X(FIX_BROWSER_VERSION, "Update the browser: {}.", "Aktualisieren Sie den Browser: {}.")        \
    X(FIX_PATCH_LEVEL, "Install security updates: {}.",                                            \
      "Installieren Sie Sicherheitsupdates: {}.")                                                  \
    X(FIX_OTHER, "Wanted on this device: {}.", "Auf diesem Gerät verlangt: {}.")

#define WORDS_FORMS(X)                                                                              \
    X(PURPOSE_TITLE, "What is this visit for?", "Wozu dient dieser Besuch?")                        \
    X(PURPOSE_TEXT, "{} asks for a purpose. What you write is recorded with your visit.",           \
      "{} verlangt einen Zweck. Was Sie schreiben, wird mit Ihrem Besuch vermerkt.")                \
    X(PURPOSE_LABEL, "Purpose", "Zweck")                                                            \
    X(PURPOSE_HINT, "For example a ticket number and a few words.",                                 \
      "Zum Beispiel eine Ticketnummer und ein paar Worte.")                                         \
    X(PURPOSE_GO, "Continue", "Weiter")                                                             \
    X(REQUEST_TITLE, "Ask for approval", "Freigabe anfragen")                                       \
    X(REQUEST_TEXT,                                                                                 \
      "Somebody must approve before {} opens. The approvers see your address and "                  \
      "your reason.",                                                                               \
      "Jemand muss zustimmen, bevor {} sich öffnet. Die Freigebenden sehen Ihre Adresse und Ihre " \
      "Begründung.")                                                                                \
    X(REQUEST_FOR, "An approval lasts {}.", "Eine Freigabe gilt {}.")                               \
    X(REASON_LABEL, "Reason", "Begründung")                                                         \
    X(REASON_LABEL_OPTIONAL, "Reason (optional)", "Begründung (freiwillig)")                        \
    X(REQUEST_HINT, "What you need to do there, and for how long.",                                 \
      "Was Sie dort tun müssen und wie lange.")                                                     \
    X(REQUEST_SEND, "Send the request", "Anfrage senden")                                           \
    X(WAITING_SINCE, "Waiting for an answer since {}", "Wartet auf Antwort seit {}")                \
    X(WAITING_TITLE, "Your request is with the approvers",                                          \
      "Ihre Anfrage liegt bei den Freigebenden")                                                    \
    X(WAITING_TEXT, "You asked {}. The app opens by itself once it is approved.",                   \
      "Angefragt {}. Nach der Freigabe öffnet sich die App von selbst.")                            \
    X(WAITING_COUNT, "Approvals so far: {}", "Zustimmungen bisher: {}")                             \
    X(WAITING_LOOK, "See whether it is open", "Nachsehen, ob sie offen ist")                        \
    X(WITHDRAW, "Withdraw the request", "Anfrage zurückziehen")                                     \
    X(WITHDRAW_SHORT, "Withdraw", "Zurückziehen")                                                   \
    X(GLASS_TITLE, "Emergency access", "Notzugang")                                                 \
    X(GLASS_TEXT,                                                                                   \
      "This opens {} at once, past rules that would refuse you. For emergencies only.",             \
      "Dies öffnet {} sofort, an Regeln vorbei, die Sie abweisen würden. Nur für Notfälle.")        \
    X(GLASS_TOLD, "The people named for this are told at once.",                                    \
      "Wer dafür benannt ist, wird sofort benachrichtigt.")                                         \
    X(GLASS_RECORDED, "Your reason and everything you do is recorded.",                             \
      "Ihre Begründung und alles, was Sie tun, wird aufgezeichnet.")                                \
    X(GLASS_FOR, "It ends by itself after {}.", "Er endet von selbst nach {}.")                     \
    X(GLASS_HINT, "What happened, and what you must do.",                                           \
      "Was geschehen ist und was Sie tun "                                                          \
      "müssen.")                                                                                    \
    X(GLASS_OPEN, "Open emergency access", "Notzugang öffnen")                                      \
    X(CANCEL, "Cancel", "Abbrechen")                                                                \
    X(FORM_EMPTY, "Write a few words, please.", "Bitte schreiben Sie ein paar Worte.")              \
    X(FORM_TOO_LONG, "Please be shorter: at most {} characters.",                                   \
      "Bitte kürzer: höchstens {} Zeichen.")                                                        \
    X(FORM_CONTROL, "The text holds control characters. Please write it without them.",             \
      "Der Text enthält Steuerzeichen. Bitte schreiben Sie ihn ohne sie.")

#define WORDS_APPROVALS(X)                                                                         \
    X(APPROVALS_TITLE, "Approvals", "Freigaben")                                                   \
    X(APPROVALS_ASKED, "Waiting for an answer", "Warten auf Antwort")                              \
    X(APPROVALS_OPEN, "Open now", "Zurzeit offen")                                                 \
    X(APPROVALS_NONE, "Nothing is waiting.", "Nichts wartet.")                                     \
    X(APPROVALS_NONE_HINT, "Requests of people who need an approval appear here.",                 \
      "Hier erscheinen Anfragen von Leuten, die eine Freigabe brauchen.")                          \
    X(APPROVALS_WANTS, "wants to open {}", "möchte {} öffnen")                                     \
    X(APPROVALS_HAS, "may open {}", "darf {} öffnen")                                              \
    X(APPROVALS_AT, "asked {}", "angefragt {}")                                                    \
    X(APPROVALS_FOR, "for {}", "für {}")                                                           \
    X(APPROVALS_ENDS, "ends {}", "endet {}")                                                       \
    X(APPROVALS_GIVEN, "{} approved", "{} zugestimmt")                                             \
    X(APPROVALS_RULE, "rule {}", "Regel {}")                                                       \
    X(APPROVALS_OWN, "your own", "Ihre eigene")                                                    \
    X(APPROVALS_GLASS, "emergency", "Notfall")                                                     \
    X(APPROVALS_NO_REASON, "No reason was given.", "Ohne Begründung.")                             \
    X(APPROVE, "Approve", "Freigeben")                                                             \
    X(REFUSE, "Refuse", "Ablehnen")                                                                \
    X(END, "End", "Beenden")                                                                       \
    X(DECIDE_LABEL, "{}: ", "{}: ")                                                                \
    X(DONE_APPROVED, "Approved. Access is open.", "Freigegeben. Der Zugang ist offen.")            \
    X(DONE_APPROVED_ONE, "Noted. One more person must approve.",                                   \
      "Vermerkt. Es muss noch jemand zustimmen.")                                                  \
    X(DONE_REFUSED, "Refused.", "Abgelehnt.")                                                      \
    X(DONE_ENDED, "The access has ended.", "Der Zugang ist beendet.")                              \
    X(DONE_GONE, "Somebody else has answered this already.", "Das hat schon jemand beantwortet.")

#define WORDS_LOGOUT(X)                                                                             \
    X(LOGOUT_TITLE, "Sign out?", "Abmelden?")                                                       \
    X(LOGOUT_TEXT, "You will be signed out of every app in this browser.",                          \
      "Sie werden in diesem Browser von allen Apps abgemeldet.")                                    \
    X(LOGOUT_EVERYWHERE, "Sign out everywhere", "Überall abmelden")                                 \
    X(LOGOUT_STAY, "Stay signed in", "Angemeldet bleiben")                                          \
    X(LOGGED_OUT_TITLE, "You are signed out", "Sie sind abgemeldet")                                \
    X(LOGGED_OUT_TEXT, "Every app in this browser is closed to you now.",                           \
      "Alle Apps sind in diesem Browser jetzt geschlossen.")                                        \
    X(LOGGED_OUT_ALL, "All your sessions have ended, on every device.",                             \
      "Alle Ihre Sitzungen sind beendet, auf allen Geräten.")                                       \
    X(LOGGED_OUT_PROVIDER,                                                                          \
      "You may still be signed in at {}. On a shared computer, sign out there too.",                \
      "Bei {} sind Sie vielleicht noch angemeldet. Melden Sie sich an einem gemeinsam benutzten "   \
      "Rechner auch dort ab.")                                                                      \
    X(LOGGED_OUT_THERE, "Sign out at {}", "Bei {} abmelden")                                        \
    X(LOGGED_OUT_AGAIN, "Sign in again", "Erneut anmelden")                                         \
    X(PROVIDER, "your identity provider", "Ihrem Identitätsanbieter")                               \
    X(REPLAY_TITLE, "One moment", "Einen Moment")                                                   \
    X(REPLAY_TEXT,                                                                                  \
      "The answer of another site is being handed to {}. If nothing happens, press "                \
      "the button.",                                                                                \
      "Die Antwort einer anderen Seite wird an {} übergeben. Wenn nichts geschieht, drücken Sie " \
      "den Knopf.")                                                                                 \
    X(REPLAY_GO, "Continue", "Weiter")                                                              \
    X(THE_APP, "the app", "die App")

#define WORDS_ERRORS(X)                                                                            \
    X(ERROR_TITLE, "That did not work", "Das hat nicht geklappt")                                  \
    X(ERROR_TEXT, "The request could not be answered.",                                            \
      "Die Anfrage konnte nicht beantwortet "                                                      \
      "werden.")                                                                                   \
    X(ERROR_FORM_TITLE, "This form is too old", "Dieses Formular ist zu alt")                      \
    X(ERROR_FORM, "It was open for too long, or it was not from this site. Please open it anew.",  \
      "Es war zu lange offen oder stammt nicht von dieser Seite. Bitte öffnen Sie es neu.")        \
    X(ERROR_LARGE_TITLE, "Too large", "Zu groß")                                                   \
    X(ERROR_LARGE, "More was sent than fits here.", "Es wurde mehr gesendet, als hier passt.")     \
    X(ERROR_ABSENT_TITLE, "Nothing here", "Hier ist nichts")                                       \
    X(ERROR_ABSENT, "There is no page at this address.",                                           \
      "Unter dieser Adresse gibt es keine "                                                        \
      "Seite.")                                                                                    \
    X(ERROR_STORE_TITLE, "Not available just now", "Gerade nicht verfügbar")                       \
    X(ERROR_STORE,                                                                                 \
      "Sessions cannot be looked up just now, so nobody is let in. Please try again "              \
      "in a moment.",                                                                              \
      "Sitzungen lassen sich gerade nicht nachschlagen, deshalb wird niemand eingelassen. Bitte "  \
      "versuchen Sie es gleich noch einmal.")                                                      \
    X(ERROR_MANY_TITLE, "Too many requests", "Zu viele Anfragen")                                  \
    X(ERROR_MANY, "That was too often in a short time.", "Das war zu oft in kurzer Zeit.")         \
    X(ERROR_TARGET_TITLE, "Unknown destination", "Unbekanntes Ziel")                               \
    X(ERROR_TARGET, "The address to return to is none of this organisation's apps.",               \
      "Die Adresse, zu der es zurückgehen soll, gehört zu keiner App dieser Organisation.")        \
    X(ERROR_REPLAY, "What another site sent for this app could not be handed on.",                 \
      "Was eine andere Seite für diese App geschickt hat, ließ sich nicht weitergeben.")

#define WORDS_TIMES(X)                                                                             \
    X(AGO_NOW, "just now", "gerade eben")                                                          \
    X(AGO_MINUTES, "{} min ago", "vor {} Min.")                                                    \
    X(AGO_HOUR, "1 hour ago", "vor 1 Stunde")                                                      \
    X(AGO_HOURS, "{} hours ago", "vor {} Stunden")                                                 \
    X(AGO_DAY, "yesterday", "gestern")                                                             \
    X(AGO_DAYS, "{} days ago", "vor {} Tagen")                                                     \
    X(IN_NOW, "at once", "sofort")                                                                 \
    X(IN_MINUTES, "in {} min", "in {} Min.")                                                       \
    X(IN_HOUR, "in 1 hour", "in 1 Stunde")                                                         \
    X(IN_HOURS, "in {} hours", "in {} Stunden")                                                    \
    X(IN_DAY, "in 1 day", "in 1 Tag")                                                              \
    X(IN_DAYS, "in {} days", "in {} Tagen")                                                        \
    X(SPAN_SECONDS, "{} seconds", "{} Sekunden")                                                   \
    X(SPAN_MINUTE, "1 minute", "1 Minute")                                                         \
    X(SPAN_MINUTES, "{} minutes", "{} Minuten")                                                    \
    X(SPAN_HOUR, "1 hour", "1 Stunde")                                                             \
    X(SPAN_HOURS, "{} hours", "{} Stunden")                                                        \
    X(SPAN_DAY, "1 day", "1 Tag")                                                                  \
    X(SPAN_DAYS, "{} days", "{} Tage")

#endif
