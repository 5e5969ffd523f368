"""Word lists and phrases from which `make_sample.py` composes its texts."""

from __future__ import annotations

# fmt: off
WORDS: dict[str, tuple[str, ...]] = {
    "name": (
        "Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Henry", "Ivy", "José", "Kate",
        "Liam", "Mia", "Noah", "Olga", "Paul", "Renée", "Sam", "Tina", "Victor", "Yuki", "Zoë",
    ),
    "city": (
        "Paris", "Tokyo", "Boston", "Zürich", "Cairo", "Lisbon", "Malmö", "Sydney", "Vienna",
        "São Paulo", "Dublin", "Seoul",
    ),
    "place": (
        "station", "library", "market", "museum", "beach", "park", "bakery", "pool", "mall",
        "cinema", "airport", "café",
    ),
    "workplace": (
        "hospital", "bank", "bookshop", "airline", "school", "hotel", "studio", "newspaper",
    ),
    "street": ("Oak Street", "King's Road", "Park Lane", "Hill Street", "Mill Road"),
    "job": ("nurse", "teacher", "pilot", "cook", "lawyer", "driver", "designer", "reporter"),
    "subject": ("maths", "history", "biology", "French", "physics", "law", "chemistry", "music"),
    "sport": ("tennis", "football", "chess", "hockey", "volleyball", "badminton", "golf"),
    "instrument": ("piano", "violin", "guitar", "drums", "trumpet", "flute"),
    "dish": (
        "soup", "pasta", "salad", "curry", "pizza", "rice", "stew", "cake", "chicken", "fish",
    ),
    "drink": ("coffee", "green tea", "orange juice", "red wine", "lemonade", "cold water"),
    "pet": ("dog", "cat", "rabbit", "parrot", "pony", "hamster"),
    "beast": ("snake", "spider", "rat", "bat", "wild dog", "scorpion"),
    "room": ("kitchen", "cellar", "bedroom", "attic", "garage", "bathroom"),
    "thing": ("bike", "phone", "wallet", "camera", "laptop", "passport", "watch", "suitcase"),
    "gift": (
        "a silver ring", "a box of chocolates", "a red scarf", "a bunch of roses", "a puppy",
        "an old record", "a love letter",
    ),
    "day": (
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ),
    "when": (
        "this morning", "last night", "yesterday", "today", "on Friday", "on Monday",
        "after lunch", "just now", "this weekend",
    ),
    "number": ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
}
# fmt: on

# (kin, he, him, his): the values of four slots that go together.
KIN: tuple[tuple[str, str, str, str], ...] = (
    ("sister", "she", "her", "her"),
    ("mother", "she", "her", "her"),
    ("aunt", "she", "her", "her"),
    ("daughter", "she", "her", "her"),
    ("grandma", "she", "her", "her"),
    ("brother", "he", "him", "his"),
    ("father", "he", "him", "his"),
    ("uncle", "he", "him", "his"),
    ("son", "he", "him", "his"),
    ("cousin", "he", "him", "his"),
)

# How it feels. Said after an event, in dialogues and in tweets.
FEELINGS: dict[str, tuple[str, ...]] = {
    "joy": (
        "I am so happy",
        "I can't stop smiling",
        "this is the best day ever",
        "my heart is singing",
        "life is wonderful",
        "I feel on top of the world",
        "what a great day",
        "I could hug everyone",
    ),
    "fun": (
        "it was so much fun",
        "we laughed so hard",
        "I had a blast",
        "haha it was hilarious",
        "what a crazy good time",
        "we giggled like kids",
        "best laugh in weeks",
    ),
    "enthusiasm": (
        "I can't wait",
        "I am so excited",
        "bring it on",
        "I am ready to go",
        "this will be amazing",
        "counting the hours",
        "I am full of energy",
    ),
    "love": (
        "I love them so much",
        "my heart melts",
        "I am so in love",
        "this means everything to me",
        "how sweet and tender",
        "I love moments like this",
        "sending hugs and kisses",
    ),
    "relief": (
        "thank goodness",
        "what a relief",
        "I can finally breathe again",
        "that weight is off my shoulders",
        "I can relax at last",
        "phew, that was close",
        "glad it is over",
    ),
    "sadness": (
        "I am so sad",
        "I can't stop crying",
        "my heart is broken",
        "I feel so lonely",
        "I miss the old days",
        "everything feels empty",
        "tears all night",
        "I am really down",
    ),
    "fear": (
        "I am so scared",
        "I was terrified",
        "my hands are shaking",
        "I am afraid to sleep",
        "my heart is pounding",
        "I had goosebumps",
        "it was like a nightmare",
        "I nearly panicked",
    ),
    "worry": (
        "I am worried sick",
        "I hope it goes well",
        "I am so nervous about it",
        "what if something goes wrong",
        "I can't sleep over it",
        "my stomach is in knots",
        "I keep thinking about it",
    ),
    "anger": (
        "I am so angry",
        "this makes me furious",
        "how dare they",
        "I want to scream",
        "that is so unfair",
        "my blood is boiling",
        "I have had enough",
        "nobody respects me",
    ),
    "disgust": (
        "that is disgusting",
        "it was so gross",
        "I feel sick",
        "it makes my stomach turn",
        "yuck, never again",
        "what a nasty smell",
        "I almost threw up",
        "ew, so filthy",
    ),
    "surprise": (
        "I did not expect that",
        "I can't believe it",
        "what a surprise",
        "my jaw dropped",
        "I was speechless",
        "that came out of nowhere",
        "wow, just wow",
        "nobody saw that coming",
    ),
    "boredom": (
        "I am so bored",
        "nothing to do",
        "I can't stop yawning",
        "time goes so slowly",
        "so dull and tired",
        "this day drags on",
        "someone entertain me",
    ),
    "hate": (
        "I hate this",
        "I can't stand it",
        "worst thing in the world",
        "it sucks so much",
        "ugh, I despise this",
        "this is horrible",
        "why does it even exist",
    ),
}

# The first words of a reply: how a friend takes the news.
REACTIONS: dict[str, tuple[str, ...]] = {
    "joy": ("Congratulations!", "That's wonderful news!", "I'm so happy for you!"),
    "fun": ("That sounds like a lot of fun!", "Haha, I wish I had been there!"),
    "enthusiasm": ("How exciting!", "Wow, that sounds great!"),
    "love": ("Aw, that's so sweet.", "How lovely!"),
    "relief": ("Thank goodness!", "What a relief!"),
    "sadness": ("I'm so sorry to hear that.", "Oh no, that's really sad."),
    "fear": ("That sounds scary! Stay calm.", "Don't be afraid."),
    "worry": ("Try not to worry too much.", "I'm sure it will be fine."),
    "anger": ("That's so unfair!", "I would be furious, too."),
    "disgust": ("Yuck, that's disgusting!", "Ew, how gross!"),
    "surprise": ("Really? I can't believe it!", "You're kidding!"),
    "boredom": ("That does sound dull.", "Poor you, how boring."),
    "hate": ("I can't stand that, either.", "Yes, that's a real pain."),
    "request": ("Of course.", "Sure, no problem.", "Certainly."),
}

# Replies that fit all news of an emotion, with the answers to them: what a model says that is not sure.
REPLIES: dict[str, tuple[tuple[str, str], ...]] = {
    "joy": (("How will you celebrate?", "I will have a party with my {kin} on {day}."),),
    "fun": (("Tell me all about it.", "It began at {number}, and nobody wanted to go home."),),
    "enthusiasm": (("Is everything prepared?", "Almost. {name} is helping me on {day}."),),
    "love": (("I can see how happy you are.", "Yes, and my {kin} says so, too."),),
    "relief": (("Now you can sleep again.", "Yes, I will not get up before {day}."),),
    "sadness": (("Is there anything I can do?", "Could you stay with me until {day}?"),),
    "fear": (("Are you safe now?", "I think so, but I will stay with {name}."),),
    "worry": (("When will you know more?", "On {day}, I hope. Until then I can only wait."),),
    "anger": (("What are you going to do?", "I will write to the {workplace} on {day}."),),
    "disgust": (("I would have run away.", "I did, and I won't come back before {day}."),),
    "surprise": (("Who else knows about it?", "Only {name}. I have told nobody else."),),
    "boredom": (("Call me the next time.", "I will. Have you got time on {day}?"),),
    "hate": (("Can nobody change that?", "I have asked {name}, but nothing helps."),),
}

# The last utterance of a long dialogue.
CLOSINGS: dict[str, tuple[str, ...]] = {
    "joy": ("You really deserve it. Let's celebrate!", "That's fantastic. Enjoy it!"),
    "fun": ("You always have the best stories.", "Next time I'm coming with you!"),
    "enthusiasm": ("Have a great time!", "Tell me everything afterwards!"),
    "love": ("You are lucky to have each other.", "That warms my heart."),
    "relief": ("All's well that ends well.", "Now you can breathe again."),
    "sadness": ("Call me whenever you need a friend.", "I'm here for you."),
    "fear": ("Stay where you are, I'm on my way.", "You are safe with me."),
    "worry": ("Let's hope for the best.", "I will keep my fingers crossed."),
    "anger": ("They can't treat you like that!", "I would not put up with that."),
    "disgust": ("Stop it, I'm going to be sick!", "I will never go there again."),
    "surprise": ("What a small world!", "I did not see that coming!"),
    "boredom": ("Next time, call me and we will go out.", "Time really can crawl."),
    "hate": ("Hang in there, the weekend is near.", "Some things never change."),
    "request": ("All right. Have a nice day.", "Good. I will take care of it."),
}

# One word for a feeling that did not come: "Not {mood} at all, {feeling}."
MOODS: dict[str, str] = {
    "joy": "happy",
    "fun": "amused",
    "enthusiasm": "excited",
    "love": "in love",
    "relief": "relieved",
    "sadness": "sad",
    "fear": "scared",
    "worry": "worried",
    "anger": "angry",
    "disgust": "disgusted",
    "surprise": "surprised",
    "boredom": "bored",
    "hate": "annoyed",
}

PLEASANT = frozenset({"joy", "fun", "enthusiasm", "love", "relief", "surprise"})

# What happens to everybody and tells no emotion by itself.
SHARED_EVENTS: tuple[str, ...] = (
    "My {kin} called me {when}.",
    "I talked to {name} {when}.",
    "I saw {name} at the {place}.",
    "I was in {city} with my {kin}.",
    "I got a letter from the {workplace}.",
    "I had {dish} with {name}.",
    "My {kin} told me about {city}.",
    "I went to the {place} {when}.",
)

NEUTRAL_EVENTS: tuple[str, ...] = (
    "The {workplace} opens at {number} on {day}.",
    "I am reading a page about {subject}.",
    "I put the {thing} on the table in the {room}.",
    "Which bus goes to the {place}?",
    "I am at the {place} waiting for {name}.",
    "My {kin} is making {dish} for dinner.",
    "I am having {drink} and checking my mail.",
    "Does anyone know when the {place} opens?",
    "I just posted {number} pictures of {city}.",
    "{name} is on the phone with the {workplace}.",
    "I am going to the {place} after {subject} class.",
    "The {sport} match starts at {number}.",
)

USERS: tuple[str, ...] = (
    "blue_kite", "mapleleaf7", "night_owl", "tea4two", "sunny_side", "oldpiano", "runner_42",
    "paperboat", "kiwi_jam", "red_lantern", "mrs_moss", "tinyrobot",
)  # fmt: skip
HASHTAGS: tuple[str, ...] = ("today", "life", "mylife", "family", "weekend", "story", "justsaying")
SMILES: tuple[str, ...] = (":)", ":D", "😀", "🎉")
FROWNS: tuple[str, ...] = (":(", "=(", "😢", "...")
