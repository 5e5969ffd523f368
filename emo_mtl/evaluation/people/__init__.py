"""The paper's manual evaluation (Section 4.3): the study, its page, the answers, their statistics."""
