"""Everyday scenes: what happens, what a friend asks, what the answer is.

`{slots}` are filled from `phrases.WORDS`; within one dialogue a slot keeps its value.
`{kin}` comes with its pronouns `{he}`, `{him}` and `{his}`. The openers of a scene are also the
events that the labelled texts of that emotion tell of.
"""

from __future__ import annotations

from typing import NamedTuple


class Scene(NamedTuple):
    """One situation: its emotion, its first utterances, and (reply, answer to the reply) pairs."""

    emotion: str
    openers: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]


SCENES: tuple[Scene, ...] = (
    Scene(
        "joy",
        ("I got the job at the {workplace}.", "The {workplace} called me {when} and hired me."),
        (
            ("When do you start?", "I start on {day}, and {name} will show me around."),
            ("What will you do there?", "I will work with {name} as a {job}."),
        ),
    ),
    Scene(
        "joy",
        ("I passed my {subject} exam.", "{name} and I got top marks in {subject}."),
        (
            ("You studied so hard for it.", "Yes, I read about {subject} every night."),
            ("Was the exam difficult?", "A little, but {name} helped me a lot."),
        ),
    ),
    Scene(
        "joy",
        ("My {kin} had a baby {when}.", "I held the new baby of my {kin} {when}."),
        (
            ("What is the name of the baby?", "They called the baby {name}."),
            ("How is the family doing?", "Everybody is well, and my {kin} can't stop smiling."),
        ),
    ),
    Scene(
        "joy",
        (
            "Our {sport} team won the final {when}.",
            "We are the new champions in {sport}.",
            "We won in {sport}!",
        ),
        (
            ("Who played best?", "{name} did. Nobody plays {sport} like that."),
            ("All that practice paid off.", "Yes, we trained every {day} since summer."),
        ),
    ),
    Scene(
        "fun",
        (
            "We danced with {name} all night at the party.",
            "I sang silly songs at the party {when}.",
            "{name} played the {instrument} at our party.",
        ),
        (
            ("Who else was at the party?", "My {kin} came, too, and danced with {name}."),
            ("Did you play any music?", "Yes, I tried the {instrument}. It was hilarious."),
        ),
    ),
    Scene(
        "fun",
        (
            "We played board games with my {kin} {when}.",
            "We rode the roller coaster with {name} in {city}.",
            "I made a snowman with my {kin} {when}.",
        ),
        (
            ("Who laughed the most?", "My {kin} did. {he} could not stop laughing."),
            ("Can I come along next time?", "Sure, we will do it again on {day}."),
        ),
    ),
    Scene(
        "enthusiasm",
        ("We leave for {city} on {day}.", "I booked a trip to {city} with {name}."),
        (
            ("How long will you stay?", "We will stay for {number} days."),
            ("What will you do there?", "I want to eat {dish} and see every museum."),
        ),
    ),
    Scene(
        "enthusiasm",
        (
            "I start {instrument} lessons on {day}.",
            "I signed up for the {sport} class with {name}.",
            "My first {sport} lesson is on {day}.",
        ),
        (
            ("Who is your teacher?", "{name} is. They say nobody teaches it better."),
            ("How often will you practise?", "Every {day} for {number} hours."),
        ),
    ),
    Scene(
        "love",
        (
            "{name} gave me {gift} for our anniversary.",
            "{name} cooked {dish} for me {when}.",
            "{name} proposed to me in {city}.",
        ),
        (
            ("How did you two meet?", "We met in {city} {number} years ago."),
            ("What will you give in return?", "I wrote a poem and bought {gift}."),
        ),
    ),
    Scene(
        "love",
        (
            "My little {pet} fell asleep on my lap.",
            "My {kin} hugged me and made {dish} for me.",
            "My {kin} sent me {gift} and a sweet note.",
        ),
        (
            ("You must be very close.", "Yes, my {kin} means the world to me."),
            ("Do you have a picture?", "Here is one with {name} from {day}."),
        ),
    ),
    Scene(
        "relief",
        (
            "I found my {thing} under the sofa.",
            "A stranger brought back my {thing} {when}.",
            "The doctor says my {kin} is healthy again.",
        ),
        (
            ("You must have been so worried.", "I could not sleep for {number} days."),
            ("Who helped you?", "{name} did. I owe {name} a big dinner."),
        ),
    ),
    Scene(
        "relief",
        (
            "My {subject} exam is over.",
            "We caught the last train to {city}.",
            "My {kin} got home safe after the storm.",
        ),
        (
            ("Was it a close call?", "Yes, {number} more minutes and it was too late."),
            ("You can rest now.", "Yes, I will sleep until {day}."),
        ),
    ),
    Scene(
        "sadness",
        ("My old {pet} died {when}.", "My {pet} died.", "We had to say goodbye to our {pet}."),
        (
            ("How old was your {pet}?", "The {pet} was with us for {number} years."),
            ("Your {pet} had a good life.", "Yes, but my {kin} cries every night."),
        ),
    ),
    Scene(
        "sadness",
        (
            "{name} broke up with me {when}.",
            "{name} left me and moved to {city}.",
            "I miss {name} so much.",
        ),
        (
            ("How long were you together?", "We were together for {number} years."),
            ("Did they say why?", "There is someone else in {city}."),
        ),
    ),
    Scene(
        "sadness",
        (
            "I failed my {subject} exam again.",
            "I lost my {thing}.",
            "I lost my job.",
            "I lost my job at the {workplace}.",
            "My {kin} moved away to {city}.",
        ),
        (
            ("Do you know what to do now?", "Not yet. I will ask {name} on {day}."),
            ("Have you talked to anyone?", "Only to {name}. My {kin} does not know yet."),
        ),
    ),
    Scene(
        "fear",
        (
            "I heard footsteps in the dark {room}.",
            "Somebody knocked on the {room} window at midnight.",
            "A stranger followed me to the {place}.",
        ),
        (
            ("Did you call the police?", "Yes, they will come in {number} minutes."),
            ("Lock all the doors.", "I did, but I still hear that noise."),
        ),
    ),
    Scene(
        "fear",
        (
            "There was a {beast} in the {room}.",
            "A huge {beast} came close to me near the {place}.",
        ),
        (
            ("Is the {beast} still there?", "Yes, and I am hiding in the {room}."),
            ("Don't go near it.", "I won't. Can {name} come and take it away?"),
        ),
    ),
    Scene(
        "fear",
        (
            "Our plane to {city} shook and dropped {when}.",
            "The storm near {city} hit our house {when}.",
        ),
        (
            ("Is everyone all right?", "Yes, but my {kin} screamed for {number} minutes."),
            ("Where are you now?", "I am with {name} at the {place}, and my hands still shake."),
        ),
    ),
    Scene(
        "worry",
        (
            "My {kin} has been in hospital since {day}.",
            "My {kin} had a high fever {when}.",
        ),
        (
            ("What do the doctors say?", "They want to keep {him} until {day}."),
            ("Is your {kin} getting better?", "A little, but {he} has to rest until {day}."),
        ),
    ),
    Scene(
        "worry",
        (
            "My interview at the {workplace} is on {day}.",
            "My {subject} exam is in {number} days.",
        ),
        (
            ("Have you prepared yourself?", "I made a plan with {name}, but I can't sleep."),
            ("Can somebody help you?", "I will ask my {kin} on {day}."),
        ),
    ),
    Scene(
        "worry",
        (
            "My {kin} is not answering the phone.",
            "My {kin} should have been home {number} hours ago.",
        ),
        (
            ("When did you last see {him}?", "I saw {him} at the {place} on {day}."),
            ("Have you called your friends?", "Yes, but {name} has not heard from {him}."),
        ),
    ),
    Scene(
        "anger",
        (
            "My neighbour drilled holes in the wall {when}.",
            "{name} parked in front of my garage again.",
            "The people upstairs shouted until {number} in the morning.",
        ),
        (
            ("Did you talk to them?", "I did on {day}, but they just slammed the door."),
            ("You should complain to the owner.", "I wrote {number} letters, and nothing changed."),
        ),
    ),
    Scene(
        "anger",
        (
            "Somebody stole my {thing} at the {place}.",
            "{name} broke my {thing} and lied about it.",
            "The {workplace} refused to pay for my {thing}.",
        ),
        (
            ("How much was it?", "I paid {number} hundred dollars for it."),
            (
                "Have you told the police?",
                "Yes, and I will call the manager of the {place} on {day}.",
            ),
        ),
    ),
    Scene(
        "anger",
        (
            "My boss gave my project to {name}.",
            "My boss at the {workplace} yelled at me {when}.",
        ),
        (
            ("What did you tell your boss?", "I said that I worked {number} weeks on it."),
            ("Will you look for a new job?", "Yes, {name} knows somebody at the {workplace}."),
        ),
    ),
    Scene(
        "disgust",
        (
            "There was a hair in my {dish} {when}.",
            "I found a fly in the {dish} at the {place}.",
            "The {dish} in the fridge was covered with mould.",
        ),
        (
            ("Did you eat any of it?", "Only {number} bites, and now I feel sick."),
            ("Throw it all away.", "I did, but the {room} still smells."),
        ),
    ),
    Scene(
        "disgust",
        (
            "The toilet at the {place} was filthy.",
            "I stepped in dog dirt near the {place}.",
            "Somebody spat on my shoe at the {place}.",
        ),
        (
            ("Does nobody clean that place?", "They clean it every {day}, but it still stinks."),
            ("Did you wash your hands?", "Yes, {number} times with hot water."),
        ),
    ),
    Scene(
        "surprise",
        (
            "I ran into {name} at the {place}.",
            "{name} stood at my door {when}.",
            "I met my old teacher {name} in {city}.",
        ),
        (
            ("How long has it been?", "We had not met for {number} years."),
            ("What did you talk about?", "About {city}, and that {name} is a {job} now."),
        ),
    ),
    Scene(
        "surprise",
        (
            "My {kin} married {name} in secret {when}.",
            "It snowed in {city} in the middle of July.",
        ),
        (
            ("Who told you about it?", "I heard it from {name} on {day}."),
            ("Did you have any idea before?", "No, not even my {kin} knew."),
        ),
    ),
    Scene(
        "boredom",
        (
            "The {subject} lecture took {number} hours.",
            "I sat in the waiting room for {number} hours.",
            "It rained all {day} and I stared at the wall.",
        ),
        (
            ("Why don't you read a book?", "I read {number} pages about {subject} and yawned."),
            ("Let's go for a walk then.", "Good idea. We can meet {name} at the {place}."),
        ),
    ),
    Scene(
        "hate",
        (
            "The alarm rang at {number} on a {day}.",
            "I was stuck in traffic near {city} again.",
            "They served {dish} at work on {day} again.",
            "I have to take {subject} with {name} again.",
        ),
        (
            ("Is there no way around it?", "No, I have to do it every {day}."),
            ("What would you rather do?", "I would rather play {sport} with my {kin}."),
        ),
    ),
    Scene(
        "request",
        (
            "Could you tell me the way to the {place}?",
            "Excuse me, how do I get to the {place}?",
        ),
        (
            ("It is on {street}.", "Is {street} far from here?"),
            ("Take bus {number} to {street}.", "How much is the bus to {street}?"),
        ),
    ),
    Scene(
        "request",
        (
            "I would like the {dish}, please.",
            "Can I order the {dish} with {drink}?",
        ),
        (
            ("Would you like a drink with it?", "Yes, {drink} would be fine."),
            ("It will be ready in {number} minutes.", "Could I have {drink} until then?"),
        ),
    ),
    Scene(
        "request",
        (
            "I need a room in {city} for {number} nights.",
            "Do you have a ticket to {city} for {day}?",
        ),
        (
            ("Yes, we still have two of them.", "I will take one. How much is it?"),
            ("What is your name, please?", "My name is {name}, and my {kin} comes along."),
        ),
    ),
    Scene(
        "request",
        (
            "Could I speak to {name} from the {workplace}, please?",
            "Can you give {name} a message for {day}?",
        ),
        (
            ("Nobody is there until {day}.", "Please tell {name} that my {kin} called."),
            ("What is it about?", "Our meeting is at the {place} on {day}."),
        ),
    ),
    Scene(
        "request",
        (
            "Would you play {sport} with me on {day}?",
            "Could you teach me the {instrument} on {day}?",
        ),
        (
            ("Let's meet at the {place} on {day}.", "Should I bring {drink} and something to eat?"),
            ("Can I bring a friend?", "Yes, bring your {kin} along to the {place}."),
        ),
    ),
)
