"""How well alerts find thefts and whom they burden, from plain numbers.

Evaluation reads what happened (alerts, thefts, account-days) and never changes what is learnt. Every
figure that is a share carries its interval; formulas and their sources stand where they are used.

    records     what figures are made from
    intervals   shares, quartiles, rates with what is not known of them
    figures     recall, documents out, precision, load, calibration
    groups      the same burden for everyone? rates by group, pooled, compared and tested
    changes     two sets of figures: what moved by more than chance
"""
