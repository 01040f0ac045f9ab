/* For programs that include the original's header by its name. */
#include "divert.h"
