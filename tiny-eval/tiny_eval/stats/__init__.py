"""What a difference between two scores is worth; one idea a file, NumPy imported only when something is computed.

errors        standard error of a mean, also when items share a document
student_t     the t distribution, for intervals from few items
bootstrap     an interval without a formula
permutation   how often chance alone makes a difference as large
mcnemar       the same question for right-or-wrong items
multiple      what to do when many pairs are compared
power         how many items would settle it
paired        all of it for two lists of scores
"""

from tiny_eval.stats.bootstrap import bootstrap_interval as bootstrap_interval
from tiny_eval.stats.errors import clustered_error as clustered_error
from tiny_eval.stats.errors import standard_error as standard_error
from tiny_eval.stats.mcnemar import mcnemar as mcnemar
from tiny_eval.stats.multiple import holm as holm
from tiny_eval.stats.paired import Paired as Paired
from tiny_eval.stats.paired import paired as paired
from tiny_eval.stats.permutation import permutation_test as permutation_test
from tiny_eval.stats.power import items_needed as items_needed
from tiny_eval.stats.student_t import t_cdf as t_cdf
from tiny_eval.stats.student_t import t_quantile as t_quantile
